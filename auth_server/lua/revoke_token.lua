-- Mark one access token. ARGV: new epoch name, jti, until ms.
local now = now_ms()
local current = epoch(ARGV[1], now)
if tonumber(ARGV[3]) > now then mark(current, 'jti', ARGV[2], now, tonumber(ARGV[3]), now) end
return 1
