CREATE OR REPLACE VIEW shop.open_orders AS
 SELECT o.id,
    c.name AS customer,
    o.status,
    shop.order_total(o.id) AS total
   FROM (shop.orders o
     JOIN shop.customers c ON ((c.id = o.customer_id)))
  WHERE (o.status = ANY (ARRAY['placed'::shop.order_status, 'paid'::shop.order_status]));
