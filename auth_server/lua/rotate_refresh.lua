-- Use a refresh token once. ARGV: new epoch name, its hash, its successor's hash, client, wanted scope ('' for all),
--       idle ms, grace ms, token life ms.
-- Returns 'ok' with sub, sid, scope, audience, format, now; or what is wrong: 'unknown', 'foreign', 'scope', 'again', 'reused'.
local now = now_ms()
local current = epoch(ARGV[1], now)
local pointer_name = PREFIX .. 'refresh:' .. ARGV[2]
local pointer = redis.call('GET', pointer_name)
if not pointer then return {'unknown'} end
local sid, used = string.match(pointer, '^(%S+) ?(%d*)$')
local login = PREFIX .. 'login:' .. sid
local fields = redis.call('HMGET', login, 'sub', 'client', 'scope', 'audience', 'format', 'ends', 'refresh', 'previous')
local sub, ends = fields[1], tonumber(fields[6] or '0')
if not sub or now >= ends then return {'unknown'} end
if fields[2] ~= ARGV[4] then return {'foreign'} end

local spent = fields[7] ~= ARGV[2]
if spent and now - tonumber(used ~= '' and used or '0') > tonumber(ARGV[7]) then
    -- The client or a thief holds an old token; nobody can tell which, so both are out.
    end_login(current, sid, sub, now + tonumber(ARGV[8]), now)
    return {'reused', sub, sid}
end

local held = {}
for word in string.gmatch(fields[3], '%S+') do held[word] = true end
for word in string.gmatch(ARGV[5], '%S+') do
    if not held[word] then return {'scope'} end
end

if spent then
    -- Within the grace period the answer may have been lost: the same successor, if nobody used that yet.
    if fields[8] ~= ARGV[2] or fields[7] ~= ARGV[3] then return {'again'} end
else
    redis.call('HSET', login, 'refresh', ARGV[3], 'previous', ARGV[2], 'last_used', string.format('%.0f', now))
    redis.call('SET', pointer_name, string.format('%s %.0f', sid, now), 'PX', string.format('%.0f', ends - now))
    redis.call('SET', PREFIX .. 'refresh:' .. ARGV[3], sid, 'PX', string.format('%.0f', ends - now))
    redis.call('PEXPIRE', login, string.format('%.0f', math.min(ends - now, tonumber(ARGV[6]))))
    redis.call('ZADD', PREFIX .. 'logins:' .. sub, 'XX', string.format('%.0f', now), sid)
end
return {'ok', sub, sid, fields[3], fields[4], fields[5], string.format('%.0f', now)}
