-- End one login of an account. ARGV: new epoch name, sub, sid, token life ms, '1' to end it even when it is not known.
-- Returns 1 if it was there and the account's.
local now = now_ms()
local current = epoch(ARGV[1], now)
local owner = redis.call('HGET', PREFIX .. 'login:' .. ARGV[3], 'sub')
if owner ~= ARGV[2] and (owner or ARGV[5] ~= '1') then return 0 end
end_login(current, ARGV[3], ARGV[2], now + tonumber(ARGV[4]), now)
return 1
