CREATE OR REPLACE FUNCTION shop.order_total(wanted bigint) RETURNS numeric
    LANGUAGE sql STABLE
    AS $$ SELECT coalesce(sum(quantity * price), 0) FROM shop.order_lines WHERE order_id = wanted $$;

COMMENT ON FUNCTION shop.order_total(wanted bigint) IS 'What an order costs.';
