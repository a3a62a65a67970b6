CREATE POLICY own_account ON shop.customers USING ((id = (current_setting('shop.customer'::text, true))::bigint));
