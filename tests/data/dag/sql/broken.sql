select a,
       ${params.nothing}
from raw.orders
