-- Takes a link out, if it is still its device's link, and remembers its epoch.
-- KEYS: the user's links, what is remembered of the device, how many of the bucket's users are linked.
-- ARGV: the device, the route or its beginning, how long an epoch is remembered (ms).
local held = redis.call('HGET', KEYS[1], ARGV[1])
if not held or string.sub(held, 1, #ARGV[2]) ~= ARGV[2] then return {'other'} end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('SET', KEYS[2], string.sub(held, 1, 16), 'PX', ARGV[3])
if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('DECR', KEYS[3]) end
local answer = redis.call('HGETALL', KEYS[1])
table.insert(answer, 1, 'gone')
return answer
