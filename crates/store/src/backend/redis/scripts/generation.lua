-- Begins another generation, unless the present one began on this very server.
-- KEYS: the bucket's generation. ARGV: the server's run, a generation to begin.
local held = redis.call('GET', KEYS[1])
if held and string.sub(held, 18) == ARGV[1] then return held end
redis.call('SET', KEYS[1], ARGV[2])
return ARGV[2]
