-- What pylot-ls does now, for status lines and for `:Pylot status`.

local M = {}

local TOKEN = 'pylot-ls/model'

-- How far the model is loaded, by client: percent, or nil once it is.
local loading = {}

-- Tell status lines that something is different.
function M.changed()
  vim.schedule(function()
    vim.api.nvim_exec_autocmds('User', { pattern = 'PylotStatus', modeline = false })
    vim.cmd.redrawstatus({ bang = true })
  end)
end

-- Follow the loading of the model.
function M.watch()
  vim.api.nvim_create_autocmd('LspProgress', {
    group = vim.api.nvim_create_augroup('pylot.status', { clear = true }),
    callback = function(event)
      local params = event.data.params
      if params.token == TOKEN then
        local ended = params.value.kind == 'end'
        loading[event.data.client_id] = not ended and (params.value.percentage or 0) or nil
        M.changed()
      end
    end,
  })
end

-- Of a buffer: { state = 'off' | 'failed' | 'starting' | 'loading' | 'paused' | 'ready', … }.
function M.of(bufnr)
  bufnr = (bufnr == nil or bufnr == 0) and vim.api.nvim_get_current_buf() or bufnr
  local server = require('pylot.server').state
  local client = vim.lsp.get_clients({ name = 'pylot', bufnr = bufnr, _uninitialized = true })[1]
  if not client then
    return server.failed and { state = 'failed', why = server.failed } or { state = 'off' }
  elseif not client.initialized then
    return { state = 'starting' }
  end
  local scope = require('pylot.pausing').of(bufnr)
  if scope then
    return { state = 'paused', scope = scope }
  elseif loading[client.id] then
    return { state = 'loading', percent = loading[client.id] }
  end
  return { state = 'ready', version = (client.server_info or {}).version }
end

local SHORT = { off = '', failed = 'pylot failed', starting = 'pylot …', paused = 'pylot paused', ready = 'pylot' }

function M.short(bufnr)
  local now = M.of(bufnr)
  return now.state == 'loading' and ('pylot %d%%'):format(now.percent) or SHORT[now.state]
end

local SCOPES = {
  here = 'in this buffer',
  language = 'for files of this type',
  everywhere = 'everywhere',
}

-- In a sentence.
function M.long(bufnr)
  local now = M.of(bufnr)
  if now.state == 'failed' then
    return now.why .. ', see :checkhealth pylot'
  elseif now.state == 'paused' then
    return ('suggestions are paused %s; `:Pylot resume %s` ends that'):format(SCOPES[now.scope], now.scope)
  elseif now.state == 'loading' then
    return ('the model is being loaded, %d %%'):format(now.percent)
  end
  return ({
    off = 'no server serves this buffer; `:checkhealth pylot` says why',
    starting = 'the server is starting',
    ready = 'ready' .. (now.version and ', version ' .. now.version or ''),
  })[now.state]
end

return M
