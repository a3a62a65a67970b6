CREATE OR REPLACE FUNCTION shop.touch() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  NEW.changed_at := now();
  RETURN NEW;
END
$$;
