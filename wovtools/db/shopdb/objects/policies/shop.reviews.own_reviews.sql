CREATE POLICY own_reviews ON shop.reviews USING ((customer_id = (current_setting('shop.customer'::text, true))::bigint));
