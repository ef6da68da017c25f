select order_id, order_date, amount
from raw.orders
where order_date = ${window.date}
