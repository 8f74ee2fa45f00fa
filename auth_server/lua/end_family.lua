-- End the login that a refresh token belongs to. ARGV: new epoch name, refresh hash, client, token life ms.
-- Returns 1 if this client had such a token.
local now = now_ms()
local current = epoch(ARGV[1], now)
local pointer = redis.call('GET', PREFIX .. 'refresh:' .. ARGV[2])
if not pointer then return 0 end
local sid = string.match(pointer, '^%S+')
local fields = redis.call('HMGET', PREFIX .. 'login:' .. sid, 'sub', 'client')
if not fields[1] or fields[2] ~= ARGV[3] then return 0 end
end_login(current, sid, fields[1], now + tonumber(ARGV[4]), now)
return 1
