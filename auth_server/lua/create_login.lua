-- Remember a login and its first refresh token, unless its account's cut-off has come since it began.
-- ARGV: new epoch name, sub, sid, began ms, client, scope, audience, format, user agent, refresh hash, absolute ms, idle ms,
--       most logins of an account, token life ms.
-- Returns the moment of issue in ms, or nothing when the login was overtaken by a cut-off.
local now = now_ms()
local current = epoch(ARGV[1], now)
local sub, sid = ARGV[2], ARGV[3]
local cutoff = tonumber(redis.call('GET', PREFIX .. 'cutoff:' .. sub) or '-1')
if tonumber(ARGV[4]) <= cutoff then return false end
local issued = math.max(now, cutoff + 1)
local absolute, idle = tonumber(ARGV[11]), tonumber(ARGV[12])
local login, index = PREFIX .. 'login:' .. sid, PREFIX .. 'logins:' .. sub
redis.call('HSET', login, 'sub', sub, 'client', ARGV[5], 'scope', ARGV[6], 'audience', ARGV[7], 'format', ARGV[8],
    'user_agent', ARGV[9], 'created', string.format('%.0f', issued), 'last_used', string.format('%.0f', issued),
    'ends', string.format('%.0f', now + absolute), 'refresh', ARGV[10])
redis.call('PEXPIRE', login, math.min(absolute, idle))
redis.call('SET', PREFIX .. 'refresh:' .. ARGV[10], sid, 'PX', absolute)
redis.call('ZREMRANGEBYSCORE', index, '-inf', string.format('%.0f', now - idle))
local surplus = redis.call('ZCARD', index) + 1 - tonumber(ARGV[13])
if surplus > 0 then
    for _, oldest in ipairs(redis.call('ZRANGE', index, 0, surplus - 1)) do
        end_login(current, oldest, sub, now + tonumber(ARGV[14]), now)
    end
end
redis.call('ZADD', index, string.format('%.0f', issued), sid)
redis.call('PEXPIRE', index, absolute)
return string.format('%.0f', issued)
