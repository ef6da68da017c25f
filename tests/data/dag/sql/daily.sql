select order_id, amount
from raw.orders
where order_date = ${window.date}
