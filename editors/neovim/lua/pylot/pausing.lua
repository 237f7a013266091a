-- Where the user wants no suggestions for a while. It lasts until Neovim ends, over restarts of the server.

local M = {}

local paused = { everywhere = false, languages = {}, buffers = {} }

local SCOPES = { 'here', 'language', 'everywhere' }

function M.scopes()
  return SCOPES
end

-- What of it holds in a buffer: 'here', 'language' or 'everywhere', the widest; nil for none.
function M.of(bufnr)
  if paused.everywhere then
    return 'everywhere'
  elseif paused.languages[vim.bo[bufnr].filetype] then
    return 'language'
  end
  return paused.buffers[bufnr] and 'here' or nil
end

-- The server is told, so that it computes nothing either. An older one does not know of it.
local function tell(client, command, scope)
  local known = (client.server_capabilities.executeCommandProvider or {}).commands or {}
  if vim.list_contains(known, command) then
    client:request('workspace/executeCommand', { command = command, arguments = { scope } }, function() end)
  end
end

local function each_scope(client)
  local scopes = {}
  if paused.everywhere then
    scopes[#scopes + 1] = vim.empty_dict()
  end
  for filetype, bufnr in pairs(paused.languages) do
    local known = vim.api.nvim_buf_is_valid(bufnr)
    scopes[#scopes + 1] = { languageId = known and client.get_language_id(bufnr, filetype) or filetype }
  end
  for bufnr in pairs(paused.buffers) do
    if vim.api.nvim_buf_is_valid(bufnr) then
      scopes[#scopes + 1] = { uri = vim.uri_from_bufnr(bufnr) }
    end
  end
  return scopes
end

local function show(client, bufnr)
  local wanted = M.of(bufnr) == nil
  if vim.lsp.inline_completion then
    vim.lsp.inline_completion.enable(wanted, { bufnr = bufnr })
  else
    -- Neovim 0.11: the server then answers with entries of the completion menu.
    vim.lsp.completion.enable(wanted, client.id, bufnr, { autotrigger = true })
  end
end

-- Let a buffer have suggestions, or none, as the user has said.
function M.apply(client, bufnr)
  show(client, bufnr)
  for _, scope in ipairs(each_scope(client)) do
    tell(client, 'pylot.pause', scope)
  end
end

local function apply_everywhere()
  for _, client in ipairs(vim.lsp.get_clients({ name = 'pylot' })) do
    tell(client, 'pylot.resume', vim.empty_dict())
    for _, scope in ipairs(each_scope(client)) do
      tell(client, 'pylot.pause', scope)
    end
    for bufnr in pairs(client.attached_buffers) do
      show(client, bufnr)
    end
  end
  require('pylot.status').changed()
end

local function set(scope, on)
  local bufnr = vim.api.nvim_get_current_buf()
  if scope == nil or scope == 'everywhere' then
    paused.everywhere = on or false
    if not on then
      paused.languages, paused.buffers = {}, {}
    end
  elseif scope == 'language' then
    paused.languages[vim.bo.filetype] = on and bufnr or nil
  elseif scope == 'here' then
    paused.buffers[bufnr] = on
  else
    error(("pylot: no scope '%s'; there are %s"):format(scope, table.concat(SCOPES, ', ')), 0)
  end
  apply_everywhere()
end

-- No suggestions in this buffer, in files of its type, or anywhere.
function M.pause(scope)
  set(scope, true)
end

-- Suggestions again; everywhere takes back the other two as well.
function M.resume(scope)
  set(scope, nil)
end

return M
