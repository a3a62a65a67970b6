CREATE MATERIALIZED VIEW shop.sales_by_month AS
 SELECT date_trunc('month'::text, o.placed_at) AS month,
    sum(((l.quantity)::numeric * l.price)) AS sales
   FROM (shop.orders o
     JOIN shop.order_lines l ON ((l.order_id = o.id)))
  WHERE (o.status <> 'cart'::shop.order_status)
  GROUP BY (date_trunc('month'::text, o.placed_at));

CREATE UNIQUE INDEX sales_by_month_month ON shop.sales_by_month USING btree (month);
