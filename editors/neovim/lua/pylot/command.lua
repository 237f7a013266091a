-- `:Pylot` and its subcommands.

local M = {}

local function scoped(action, scope)
  require('pylot')[action](scope)
  require('pylot.notices').say(require('pylot.status').long())
end

local COMMANDS = {
  status = function()
    require('pylot.notices').say(require('pylot.status').long())
  end,
  pause = function(scope)
    scoped('pause', scope)
  end,
  resume = function(scope)
    scoped('resume', scope)
  end,
  restart = function()
    require('pylot').restart()
  end,
  log = function()
    local path = vim.lsp.log.get_filename and vim.lsp.log.get_filename() or vim.lsp.get_log_path()
    vim.cmd.tabedit({ vim.fn.fnameescape(path) })
    vim.cmd.normal({ 'G', bang = true })
  end,
}

local function names()
  return vim.fn.sort(vim.tbl_keys(COMMANDS))
end

-- Run `:Pylot …`; without a word it is the status.
function M.run(words)
  local run = COMMANDS[words[1] or 'status']
  local takes_scope = words[1] == 'pause' or words[1] == 'resume'
  if not run then
    return vim.notify(
      ("pylot-ls: no command '%s'; there are %s"):format(words[1], table.concat(names(), ', ')),
      vim.log.levels.ERROR
    )
  elseif #words > (takes_scope and 2 or 1) then
    return vim.notify(("pylot-ls: '%s' is one word too many"):format(words[#words]), vim.log.levels.ERROR)
  end
  local ok, problem = pcall(run, words[2])
  if not ok then
    vim.notify(problem, vim.log.levels.ERROR)
  end
end

function M.complete(lead, line)
  local before = vim.split(line:sub(1, #line - #lead), '%s+', { trimempty = true })
  local choices = {}
  if #before == 1 then
    choices = names()
  elseif #before == 2 and (before[2] == 'pause' or before[2] == 'resume') then
    choices = require('pylot.pausing').scopes()
  end
  return vim.tbl_filter(function(each)
    return vim.startswith(each, lead)
  end, choices)
end

return M
