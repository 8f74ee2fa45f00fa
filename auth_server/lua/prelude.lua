-- What every script of the auth server starts with. Times are milliseconds of Redis' own clock.
local PREFIX = 'authlab:'

local function now_ms()
    local time = redis.call('TIME')
    return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- The epoch says since when revocations are known. It is missing after the store lost its data, and begins anew.
local function epoch(fresh_name, now)
    local current = redis.call('GET', PREFIX .. 'revocation:epoch')
    if current then return current end
    current = string.format('%s:%.0f', fresh_name, now)
    redis.call('SET', PREFIX .. 'revocation:epoch', current)
    return current
end

-- Write one mark where it is looked up, where a snapshot finds it, and where followers read it, numbered, in one step.
-- A later mark never shortens an earlier one.
local function mark(epoch_value, kind, value, at, until_ms, now)
    local name = PREFIX .. 'revoked:' .. kind .. ':' .. value
    local left = math.max(until_ms - now, redis.call('PTTL', name), 1)
    redis.call('SET', name, string.format('%.0f', at), 'PX', string.format('%.0f', left))
    local sequence = redis.call('INCR', PREFIX .. 'revocation:sequence')
    local marks, stream = PREFIX .. 'revocation:marks', PREFIX .. 'revocation:stream'
    local until_text = string.format('%.0f', now + left)
    redis.call('ZADD', marks, until_text, string.format('%s %.0f %s', kind, at, value))
    redis.call('ZREMRANGEBYSCORE', marks, '-inf', string.format('(%.0f', now))
    redis.call('XADD', stream, 'MINID', '~', string.format('%.0f-0', now - 86400000 - 60000), '*',
        'epoch', epoch_value, 'sequence', sequence, 'kind', kind, 'value', value,
        'at', string.format('%.0f', at), 'until', until_text)
end

-- End one login: its refresh family is gone, its access tokens are marked.
local function end_login(epoch_value, sid, sub, until_ms, now)
    local existed = redis.call('DEL', PREFIX .. 'login:' .. sid)
    redis.call('ZREM', PREFIX .. 'logins:' .. sub, sid)
    mark(epoch_value, 'sid', sid, now, until_ms, now)
    return existed
end
