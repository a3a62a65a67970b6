CREATE ROLE {wo_role_prefix}shop_storefront;

GRANT USAGE ON SCHEMA shop TO {wo_role_prefix}shop_storefront;
GRANT SELECT ON TABLE shop.catalogue TO {wo_role_prefix}shop_storefront;
GRANT SELECT ON TABLE shop.customers TO {wo_role_prefix}shop_storefront;
GRANT UPDATE(name) ON TABLE shop.customers TO {wo_role_prefix}shop_storefront;
GRANT SELECT,INSERT,UPDATE ON TABLE shop.orders TO {wo_role_prefix}shop_storefront;
GRANT SELECT,INSERT,DELETE ON TABLE shop.reviews TO {wo_role_prefix}shop_storefront;
GRANT SELECT ON TABLE shop.ratings TO {wo_role_prefix}shop_storefront;

ALTER POLICY own_account ON shop.customers TO {wo_role_prefix}shop_storefront;
ALTER POLICY own_orders ON shop.orders TO {wo_role_prefix}shop_storefront;
