-- End every login of an account so far. ARGV: new epoch name, sub, token life ms, cut-off life ms. Returns the cut-off in ms.
local now = now_ms()
local current = epoch(ARGV[1], now)
local index = PREFIX .. 'logins:' .. ARGV[2]
redis.call('SET', PREFIX .. 'cutoff:' .. ARGV[2], string.format('%.0f', now), 'PX', ARGV[4])
for _, sid in ipairs(redis.call('ZRANGE', index, 0, -1)) do
    redis.call('DEL', PREFIX .. 'login:' .. sid)
end
redis.call('DEL', index)
mark(current, 'sub', ARGV[2], now, now + tonumber(ARGV[3]), now)
return string.format('%.0f', now)
