-- Switches pylot-ls on when Neovim starts. `vim.g.pylot = { enabled = false }` in init.lua leaves it off.

if vim.g.loaded_pylot then
  return
end
vim.g.loaded_pylot = true

if vim.fn.has('nvim-0.11') == 0 then
  -- No longer than a line of 80 columns holds: a longer one would ask for Return.
  vim.notify('pylot-ls needs Neovim 0.11 or newer: upgrade it or remove the plugin', vim.log.levels.WARN)
  return
end

vim.api.nvim_create_user_command('Pylot', function(command)
  require('pylot.command').run(command.fargs)
end, {
  nargs = '*',
  desc = 'Status of pylot-ls, pause, resume, restart, log',
  complete = function(...)
    return require('pylot.command').complete(...)
  end,
})

if (vim.g.pylot or {}).enabled ~= false then
  require('pylot').setup()
end
