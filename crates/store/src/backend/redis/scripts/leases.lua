-- Speaks for CMs, and tells which of all CMs have somebody who speaks for them.
-- KEYS: the leases, members "cm:holder", scores their ends in ms.
-- ARGV: the holder, how long a lease lasts (ms), the CMs.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
for i = 3, #ARGV do
  redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[i] .. ':' .. ARGV[1])
end
return redis.call('ZRANGE', KEYS[1], 0, -1)
