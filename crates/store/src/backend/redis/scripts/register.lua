-- Makes a link its device's link, unless the device has a newer one.
-- KEYS: the bucket's generation, the user's links, what is remembered of the device,
-- how many of the bucket's users are linked.
-- ARGV: the generation as it is known, the device, the route, how long a replaced link is told again (ms).
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {'lost'} end
local link, epoch = string.sub(ARGV[3], 1, 48), string.sub(ARGV[3], 1, 16)
local held = redis.call('HGET', KEYS[2], ARGV[2])
local seen = redis.call('GET', KEYS[3])
local replaced = ''
if held then
  if string.sub(held, 1, 48) == link then
    -- Asked again after an answer that was lost: the link that was replaced is told again.
    if seen and #seen > 16 then replaced = seen end
  elseif string.sub(held, 1, 16) >= epoch then
    return {'outranked'}
  else
    replaced = held
    redis.call('SET', KEYS[3], held, 'PX', ARGV[4])
  end
elseif seen and string.sub(seen, 1, 16) > epoch then
  return {'outranked'}
end
if redis.call('EXISTS', KEYS[2]) == 0 then redis.call('INCR', KEYS[4]) end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
local answer = redis.call('HGETALL', KEYS[2])
table.insert(answer, 1, replaced)
table.insert(answer, 1, 'linked')
return answer
