CREATE POLICY everybody_reads ON shop.reviews FOR SELECT USING (true);
