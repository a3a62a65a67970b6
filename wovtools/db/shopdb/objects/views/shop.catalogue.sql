CREATE OR REPLACE VIEW shop.catalogue AS
 SELECT id,
    sku,
    title,
    price
   FROM shop.products
  WHERE (price > (0)::numeric);

GRANT SELECT ON TABLE shop.catalogue TO PUBLIC;
