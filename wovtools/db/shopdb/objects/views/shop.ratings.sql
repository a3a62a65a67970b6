CREATE OR REPLACE VIEW shop.ratings AS
 SELECT product_id,
    round(avg(stars), 1) AS stars,
    count(*) AS reviews
   FROM shop.reviews
  GROUP BY product_id;
