import { createHash } from "node:crypto";

/**
 * What runs in Redis, each script as one step that nobody sees half of. All get the same keys: the stream, the state (a
 * hash) and the dead letters; and the same first arguments: the group, who asks, and what the queue was told. `args` has
 * those of the script.
 *
 * An item is an entry of the stream. Who takes it has it in the group's list of pending entries, until it is
 * acknowledged and deleted. The consumer "back" has those that nobody works on any more: they are the next ones. `get()`
 * deletes the entry at once, and the state counts what was got and is not done.
 */
const COMMON = `
local stream, state, dead = KEYS[1], KEYS[2], KEYS[3]
local group, me = ARGV[1], ARGV[2]
local visibility, maxsize, max_deliveries = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local args = {}
for i = 6, #ARGV do args[i - 5] = ARGV[i] end

-- Gives why it cannot be made, if so.
local function make_group()
  local reply = redis.pcall('XGROUP', 'CREATE', stream, group, '0', 'MKSTREAM')
  if reply.err and not reply.err:find('BUSYGROUP') then return reply end
end

local function tell(what) redis.call('PUBLISH', stream .. ':' .. what, '') end

local function number_of(field) return tonumber(redis.call('HGET', state, field) or 0) end

local function unfinished() return redis.call('XLEN', stream) + number_of('got') end

local function tell_if_done() if unfinished() == 0 then tell('done') end end

-- How many entries nobody has: all but those of consumers, where "back" is none.
local function waiting()
  local pending = redis.call('XPENDING', stream, group)
  local count = redis.call('XLEN', stream) - pending[1]
  for _, consumer in ipairs(pending[4] or {}) do
    if consumer[1] == 'back' then count = count + tonumber(consumer[2]) end
  end
  return count
end

-- Whether I have an entry, and have it from that delivery: it may have come back, and to me again.
local function is_mine(id, deliveries)
  local pending = redis.call('XPENDING', stream, group, id, id, 1, me)[1]
  return pending and pending[4] == tonumber(deliveries)
end

local function finish(id)
  redis.call('XACK', stream, group, id)
  redis.call('XDEL', stream, id)
end

local function bury(id, deliveries, reason)
  local entry = redis.call('XRANGE', stream, id, id)[1]
  if entry then
    local fields = entry[2]
    for _, part in ipairs({ 'deliveries', deliveries, 'reason', reason }) do fields[#fields + 1] = part end
    redis.call('XADD', dead, '*', unpack(fields))
  end
  finish(id)
end

-- Nobody works on an entry any more. True if it was buried.
local function put_back(id, deliveries)
  if redis.call('HGET', state, 'shut') == 'emptied' then finish(id) return false end
  if deliveries >= max_deliveries then
    bury(id, deliveries, 'taken ' .. deliveries .. ' times and never done')
    return true
  end
  redis.call('XCLAIM', stream, group, 'back', 0, id, 'RETRYCOUNT', deliveries, 'JUSTID')
  return false
end

local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- How much a consumer got and has not done: it counts until its consumer is heard of no more.
local function set_got(consumer, count)
  redis.call('HINCRBY', state, 'got', count - number_of('got:' .. consumer))
  if count > 0 then
    redis.call('HSET', state, 'got:' .. consumer, count)
    redis.call('HSETNX', state, 'until:' .. consumer, now() + visibility)
  else
    redis.call('HDEL', state, 'got:' .. consumer, 'until:' .. consumer)
  end
end

-- An entry leaves the stream for good.
local function get(id)
  finish(id)
  set_got(me, number_of('got:' .. me) + 1)
end

-- A sign of life for the entries at args[from] and after, ids and deliveries. Gives those that are mine no more.
local function renew(from)
  local lost = {}
  for i = from, #args, 2 do
    if is_mine(args[i], args[i + 1]) then
      redis.call('XCLAIM', stream, group, me, 0, args[i], 'JUSTID')
    else
      lost[#lost + 1] = args[i]
    end
  end
  return lost
end
`;

/** Redis without memory refuses steps, but for one that has written: all must go on that make room, and what they need. */
const WITHOUT_MEMORY = "redis.call('HDEL', state, '')\n";

/** A script, and the name under which Redis keeps it. */
export interface Script {
  readonly text: string;
  readonly sha: string;
}

function script(body: string, first = WITHOUT_MEMORY): Script {
  const text = COMMON + first + body;
  return { text, sha: createHash("sha1").update(text).digest("hex") };
}

/** The scripts, by what they do. */
export const SCRIPTS = {
  /**
   * At each connection. Arguments: how many items I got and have not done, ids and deliveries of what I have.
   */
  open: script(`
local refusal = make_group()
if refusal then return refusal end
renew(2)
if number_of('got:' .. me) ~= tonumber(args[1]) then
  set_got(me, tonumber(args[1]))
  tell_if_done()
end
`),

  /** For a connection that only reads. */
  make_group: script(`
return make_group()
`),

  /** Argument: the item. Gives "put", "full" or "shut". */
  put: script(
    `
if redis.call('HEXISTS', state, 'shut') == 1 then return 'shut' end
if maxsize > 0 and waiting() >= maxsize then return 'full' end
redis.call('XADD', stream, '*', 'item', args[1])
return 'put'
`,
    "",
  ),

  /**
   * Argument: a letter for each that is wanted, "t" to take it, "g" to get it. Gives whether the queue was shut down, and
   * the entries: id, deliveries, fields.
   */
  take: script(`
local was_full = maxsize > 0 and waiting() >= maxsize

local function next_entry()
  local back = redis.call('XPENDING', stream, group, '-', '+', 1, 'back')[1]
  while back do
    local entry = redis.call('XCLAIM', stream, group, me, 0, back[1])[1]
    if entry then return { entry[1], back[4] + 1, entry[2] } end
    redis.call('XACK', stream, group, back[1]) -- somebody deleted it
    back = redis.call('XPENDING', stream, group, '-', '+', 1, 'back')[1]
  end
  local reply = redis.call('XREADGROUP', 'GROUP', group, me, 'COUNT', 1, 'STREAMS', stream, '>')
  if not reply then return nil end
  local entry = reply[1][2][1]
  return { entry[1], 1, entry[2] }
end

local found = {}
for how in args[1]:gmatch('.') do
  local entry = next_entry()
  if not entry then break end
  if how == 'g' then get(entry[1]) end
  found[#found + 1] = entry
end
if was_full and #found > 0 then tell('room') end
return { redis.call('HEXISTS', state, 'shut'), found }
`),

  /**
   * Entries that were read and not taken by a script. Arguments: how many were read; the ids and deliveries of those to
   * get. Gives which of these were mine.
   */
  accept: script(`
local count = tonumber(args[1])
if maxsize > 0 and count > 0 and waiting() + count >= maxsize then tell('room') end
local mine = {}
for i = 2, #args, 2 do
  local is = is_mine(args[i], args[i + 1])
  if is then get(args[i]) end
  mine[#mine + 1] = is and 1 or 0
end
return mine
`),

  /** Arguments: id and deliveries of what is done. */
  done: script(`
if is_mine(args[1], args[2]) then
  finish(args[1])
  tell_if_done()
end
`),

  /** An item that I got is done. */
  task_done: script(`
set_got(me, math.max(number_of('got:' .. me) - 1, 0))
tell_if_done()
`),

  /**
   * Arguments: whether nobody has seen it (1) or somebody did (0), id and deliveries. Gives whether it was buried.
   */
  put_back: script(`
local unseen, id, deliveries = tonumber(args[1]), args[2], tonumber(args[3])
if not is_mine(id, deliveries) then return 0 end
local buried = put_back(id, deliveries - unseen)
tell('item')
tell_if_done()
return buried and 1 or 0
`),

  /** An item that cannot be read. Arguments: id, deliveries, reason; where it was got: all fields of the letter. */
  bury: script(`
if #args > 3 then
  redis.call('XADD', dead, '*', unpack(args, 4))
elseif is_mine(args[1], args[2]) then
  bury(args[1], args[2], args[3])
  tell_if_done()
end
`),

  /**
   * The sign of life, and, for one of all who give it, a look for those who give none. Arguments: ids and deliveries of
   * what I have. Gives the ids that I have no more, how many were buried, and how many that were got are lost with who got
   * them.
   */
  tend: script(`
local time = now()
local lost, buried, gone = renew(1), 0, 0
if redis.call('HEXISTS', state, 'until:' .. me) == 1 then
  redis.call('HSET', state, 'until:' .. me, time + visibility)
end
local since = time - number_of('swept')
if since > visibility * 2 / 3 or since < -visibility then
  -- Redis was away, or its clock was set: all get some time to give a sign of life.
  redis.call('HSET', state, 'swept', time + visibility / 4)
  return { lost, 0, 0 }
end
if since < visibility / 4 then return { lost, 0, 0 } end
redis.call('HSET', state, 'swept', time)

-- Entries whose holder gives no sign
local came_back, expired = false, nil
repeat
  expired = redis.call('XPENDING', stream, group, 'IDLE', visibility, '-', '+', 100)
  for _, pending in ipairs(expired) do
    if put_back(pending[1], pending[4]) then buried = buried + 1 end
    came_back = came_back or pending[2] ~= 'back'
  end
until #expired < 100
if came_back then tell('item') end

-- What was got by such
local fields = redis.call('HGETALL', state)
for i = 1, #fields, 2 do
  local consumer = fields[i]:match('^until:(.*)')
  local left = consumer and fields[i + 1] - time
  if consumer and left < 0 then
    gone = gone + number_of('got:' .. consumer)
    set_got(consumer, 0)
  elseif consumer and left > visibility then
    redis.call('HSET', state, fields[i], time + visibility)
  end
end

-- Consumers that have nothing and do nothing
for _, info in ipairs(redis.call('XINFO', 'CONSUMERS', stream, group)) do
  local about = {}
  for i = 1, #info, 2 do about[info[i]] = info[i + 1] end
  if about.pending == 0 and about.idle > 20 * visibility and about.name ~= me and about.name ~= 'back' then
    redis.call('XGROUP', 'DELCONSUMER', stream, group, about.name)
  end
end

-- Entries that somebody acknowledged and did not delete: the oldest, up to the first that is not done
local first = redis.call('XPENDING', stream, group)[2]
if first then
  redis.call('XTRIM', stream, 'MINID', first)
else
  for _, info in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
    local about = {}
    for i = 1, #info, 2 do about[info[i]] = info[i + 1] end
    if about.name == group then
      redis.call('XTRIM', stream, 'MINID', about['last-delivered-id'])
      redis.call('XDEL', stream, about['last-delivered-id'])
    end
  end
end
tell_if_done()
return { lost, buried, gone }
`),

  /** Gives how many items wait, and how many are not done. */
  count: script(`
return { waiting(), unfinished() }
`),

  /** Argument: whether what waits is dropped. */
  shutdown: script(`
if args[1] == '1' then
  redis.call('HSET', state, 'shut', 'emptied')
  local back
  repeat
    back = redis.call('XPENDING', stream, group, '-', '+', 1000, 'back')
    for _, pending in ipairs(back) do finish(pending[1]) end
  until #back == 0
  -- Read as a consumer, as nothing else tells what was not given to one yet
  local reply
  repeat
    reply = redis.call('XREADGROUP', 'GROUP', group, 'back', 'COUNT', 1000, 'STREAMS', stream, '>')
    for _, entry in ipairs(reply and reply[1][2] or {}) do finish(entry[1]) end
  until not reply
else
  redis.call('HSETNX', state, 'shut', 'plain')
end
for _, what in ipairs({ 'item', 'room', 'done' }) do tell(what) end
`),

  /** Undoes it. */
  reopen: script(`
redis.call('HDEL', state, 'shut')
`),

  /** I leave. Arguments: ids and deliveries of what I have. Gives how many were buried. */
  close: script(`
local buried = 0
for i = 1, #args, 2 do
  if is_mine(args[i], args[i + 1]) and put_back(args[i], tonumber(args[i + 1])) then
    buried = buried + 1
  end
end
set_got(me, 0)
-- What may still be on its way to me comes back by itself, but not if I am deleted with it.
if #redis.call('XPENDING', stream, group, '-', '+', 1, me) == 0 then
  redis.call('XGROUP', 'DELCONSUMER', stream, group, me)
end
if #args > 0 then tell('item') end
tell_if_done()
return buried
`),
} satisfies Record<string, Script>;
