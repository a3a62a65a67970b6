CREATE POLICY own_orders ON shop.orders USING ((customer_id = (current_setting('shop.customer'::text, true))::bigint));
