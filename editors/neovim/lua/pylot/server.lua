-- Starting the server, and starting it again when it ends without being told to.
--
-- Neovim starts it (`vim.lsp.enable`), through a function that stands for the command and sees how the process ends.
-- Neovim itself would tell of each failure in each file, and would not start a server again.

local notices = require('pylot.notices')

local M = {}

-- So often within so long; then something is wrong that another try does not mend.
local RESTARTS = 3
local WITHIN_MS = 5 * 60 * 1000

M.state = {
  cmd = nil, -- the server's own command
  limit = RESTARTS,
  failed = nil, -- why there is none, until `:Pylot restart`
  advice = nil, -- what to do about it
  restarts = {}, -- when, in milliseconds
}

local state = M.state

-- In few words: a message that does not fit its line asks for Return. `:checkhealth pylot` has the advice.
local function fail(why, advice)
  state.failed, state.advice = why, vim.list_extend(advice, { 'Then `:Pylot restart`' })
  notices.once(why .. ', see :checkhealth pylot')
  require('pylot.status').changed()
end

local function is_executable(cmd)
  return type(cmd) ~= 'table' or vim.fn.executable(cmd[1]) == 1
end

local function fail_for_want_of(cmd)
  fail('no server is installed', {
    ('`%s` is no program, or not on the PATH that Neovim has'):format(cmd[1]),
    'Install it: pip install pylot-ls',
    "Or name it in init.lua: vim.lsp.config('pylot', { cmd = { '/path/to/pylot-ls' } })",
  })
end

-- Whether another try is left.
local function may_restart()
  local now = vim.uv.now()
  state.restarts = vim.tbl_filter(function(at)
    return now - at < WITHIN_MS
  end, state.restarts)
  return #state.restarts < state.limit
end

-- The same server again, for the buffers that it served.
local function start_again(config, buffers)
  table.insert(state.restarts, vim.uv.now())
  local id = vim.lsp.start(config, { attach = false })
  for _, bufnr in ipairs(id and buffers or {}) do
    if vim.api.nvim_buf_is_loaded(bufnr) then
      vim.lsp.buf_attach_client(bufnr, id)
    end
  end
end

-- Whether to start it again, now that it has ended.
local function is_to_start_again(process, code, signal)
  local how = signal ~= 0 and ('signal %d'):format(signal) or ('exit %d'):format(code)
  local advice = { '`pylot-ls doctor` in a shell says what is wrong', '`:Pylot log` has what it wrote' }
  if not process.initialized then
    fail(('the server ended at start (%s)'):format(how), advice)
  elseif may_restart() then
    return true
  else
    fail(('the server ended %d times (%s)'):format(#state.restarts + 1, how), advice)
  end
  return false
end

-- Stands for the command: starts the process and hears of its end before Neovim does.
local function spawn(dispatchers, config)
  local process = { initialized = false, told_to_end = false }
  local served = vim.tbl_extend('force', {}, dispatchers)
  local rpc

  function served.on_exit(code, signal)
    vim.schedule(function()
      local again, client = false, nil
      for _, each in ipairs(vim.lsp.get_clients({ name = 'pylot', _uninitialized = true })) do
        client = each.rpc == rpc and each or client
      end
      if not process.told_to_end and vim.v.exiting == vim.NIL then
        again = is_to_start_again(process, code, signal)
      end
      local buffers = client and vim.tbl_keys(client.attached_buffers) or {}
      dispatchers.on_exit(0, 15) -- as if asked to: what there is to say has been said
      if again and client then
        -- Neovim first lets go of the one that ended.
        vim.defer_fn(function()
          start_again(client.config, buffers)
        end, 10)
      end
      require('pylot.status').changed()
    end)
  end

  rpc = vim.lsp.rpc.start(state.cmd, served, {
    cwd = config and config.cmd_cwd,
    env = config and config.cmd_env,
    detached = config and config.detached,
  })
  local inner = { request = rpc.request, notify = rpc.notify, terminate = rpc.terminate }

  function rpc.request(method, ...)
    process.told_to_end = process.told_to_end or method == 'shutdown'
    return inner.request(method, ...)
  end

  function rpc.notify(method, ...)
    process.initialized = process.initialized or method == 'initialized'
    return inner.notify(method, ...)
  end

  function rpc.terminate()
    process.told_to_end = true
    return inner.terminate()
  end

  return rpc
end

-- Let Neovim start the server in each file, unless it cannot be.
function M.enable(limit)
  local config = vim.lsp.config.pylot
  if not config then
    notices.once("there is no lsp/pylot.lua on the runtimepath: run `pylot-ls setup neovim` again")
    return
  end
  state.limit = limit or RESTARTS
  local theirs = config.root_dir
  local ours = {
    -- Called before each start: where it does not call back, none is tried.
    root_dir = function(bufnr, on_dir)
      if state.failed then
        return
      elseif not is_executable(state.cmd) then
        fail_for_want_of(state.cmd)
      elseif type(theirs) == 'function' then
        theirs(bufnr, on_dir)
      else
        on_dir(theirs)
      end
    end,
  }
  state.cmd = config.cmd
  if type(config.cmd) == 'table' then
    ours.cmd = spawn
  end
  vim.lsp.config('pylot', ours)
  vim.lsp.enable('pylot')
end

-- End the server, if there is one, and start it in every file anew.
function M.restart()
  state.failed, state.advice, state.restarts = nil, nil, {}
  notices.forget()
  local clients = vim.lsp.get_clients({ name = 'pylot' })
  vim.lsp.enable('pylot', false)
  for _, client in ipairs(clients) do
    client:stop(true)
  end
  vim.defer_fn(function()
    vim.lsp.enable('pylot')
  end, 200)
end

return M
