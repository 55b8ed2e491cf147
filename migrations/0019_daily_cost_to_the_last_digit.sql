-- Where tokens of a call move from one part to another at the same price overnight, a day has a quantity of
-- zero, and a cost of 1e-30, since each part is rounded. The row was left out, and the days of the call
-- did not sum to its cost.
CREATE OR REPLACE VIEW session_daily_cost AS
SELECT usage.session_id, usage.account_id, usage.day, usage.usage_type, usage.provider, usage.model,
  price.dimension,
  trim_scale(sum(usage.sign * usage.quantities[price.part])) AS quantity,
  price.unit_price, price.per, usage.currency,
  trim_scale(sum(usage.sign * part_cost(usage.quantities[price.part], price.unit_price, price.per)))
    AS cost
FROM priced_usage AS usage
CROSS JOIN LATERAL unnest(usage.parts, usage.dimensions, usage.unit_prices, usage.pers)
  AS price (part, dimension, unit_price, per)
WHERE usage.currency IS NOT NULL AND usage.quantities[price.part] <> 0
GROUP BY usage.session_id, usage.account_id, usage.day, usage.usage_type, usage.provider, usage.model,
  price.dimension, price.unit_price, price.per, usage.currency
HAVING sum(usage.sign * usage.quantities[price.part]) <> 0
  OR sum(usage.sign * part_cost(usage.quantities[price.part], price.unit_price, price.per)) <> 0;
