-- `:checkhealth pylot`.

local M = {}

local health = vim.health

local function neovim()
  health.start('Neovim')
  local version = tostring(vim.version())
  if vim.lsp.inline_completion then
    health.ok(version .. ' shows inline suggestions')
  else
    health.warn(version .. ' has no inline suggestions: they come as entries of the completion menu', 'Neovim 0.12 has them')
  end
end

local function server()
  health.start('Server')
  local cmd = require('pylot.server').state.cmd
  if type(cmd) ~= 'table' then
    health.info('started by a function of your configuration')
    return
  end
  local path = vim.fn.exepath(cmd[1])
  if path == '' then
    health.error(('`%s` is not executable'):format(cmd[1]), {
      'Install it: pip install pylot-ls',
      "Or name it in init.lua: vim.lsp.config('pylot', { cmd = { '/path/to/pylot-ls' } })",
    })
    return
  end
  local arguments = vim.list_extend({ path }, vim.list_slice(cmd, 2))
  local done = vim.system(vim.list_extend(arguments, { '--version' }), { text = true, timeout = 10000 }):wait()
  if done.code == 0 then
    health.ok(('%s: %s'):format(path, vim.trim(done.stdout)))
    health.info('`pylot-ls doctor` in a shell checks its models and its settings')
  else
    health.error(('%s does not run: %s'):format(path, vim.trim(done.stderr or '')), 'Install it anew: pip install pylot-ls')
  end
end

local function now()
  health.start('Now')
  local state = require('pylot.server').state
  local failed = state.failed
  if failed then
    health.error(failed, state.advice)
  end
  local clients = vim.lsp.get_clients({ name = 'pylot' })
  for _, client in ipairs(clients) do
    local buffers = vim.tbl_map(function(bufnr)
      local name = vim.fn.fnamemodify(vim.api.nvim_buf_get_name(bufnr), ':~:.')
      local scope = require('pylot.pausing').of(bufnr)
      return name .. (scope and (' (paused %s)'):format(scope) or '')
    end, vim.tbl_keys(client.attached_buffers))
    health.ok(('client %d serves %s'):format(client.id, table.concat(buffers, ', ')))
  end
  if #clients == 0 and not failed then
    health.info('no server runs: it starts when a file is opened')
  end
end

local function keys()
  health.start('Keys')
  for key, action in pairs(require('pylot.keys').left) do
    health.warn(
      ('%s is mapped by your configuration, so it does not %s'):format(key, action),
      ("Call require('pylot').%s() in that mapping: it is false where nothing is suggested"):format(action)
    )
  end
  if vim.tbl_isempty(require('pylot.keys').left) then
    health.ok('none of them was mapped before')
  end
end

function M.check()
  neovim()
  server()
  now()
  keys()
end

return M
