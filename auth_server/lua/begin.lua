-- What a new login or token starts from. ARGV: name for a new epoch. Returns now in ms.
local now = now_ms()
epoch(ARGV[1], now)
return string.format('%.0f', now)
