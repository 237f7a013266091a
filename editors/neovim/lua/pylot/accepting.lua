-- Accepting what is suggested, whole or in part. Neovim holds the suggestion and shows it.

local M = {}

-- The next word, with the white space before it: letters and digits, or other signs, as 'iskeyword' has them.
local WORD = [=[\v^\_s*%(\k+|%(\k@![^[:space:]])+|)]=]

function M.next_word(text)
  local word = vim.fn.matchstr(text, WORD)
  return word ~= '' and word or text
end

-- The next line to its end; a text that begins with a line's end gives that and the line after it.
function M.next_line(text)
  local from = text:find('^\r?\n') and text:find('\n', 1, true) + 1 or 1
  local line_end = text:find('\n', from, true)
  return line_end and text:sub(1, line_end - 1) or text
end

local function tell(item, part)
  local client = vim.lsp.get_client_by_id(item.client_id)
  if client and item.command then
    client:notify('textDocument/didPartiallyAcceptCompletion', {
      item = { insertText = item.insert_text, range = nil, command = item.command },
      acceptedLength = vim.str_utfindex(part, 'utf-16'),
    })
  end
end

local function accept(part_of)
  local inline = vim.lsp.inline_completion
  return inline ~= nil
    and inline.get({
      on_accept = function(item)
        local text = item.insert_text
        local part = part_of and type(text) == 'string' and part_of(text) or text
        if part == text then
          return item
        end
        tell(item, part)
        return vim.tbl_extend('force', item, { insert_text = part, command = false })
      end,
    })
end

function M.all()
  return accept(nil)
end

function M.word()
  return accept(M.next_word)
end

function M.line()
  return accept(M.next_line)
end

-- Neovim has no public call that asks by hand; without the inner one nothing happens.
function M.other()
  local found, capability = pcall(require, 'vim.lsp._capability')
  local inline = found and (capability.all or {}).inline_completion
  local asking = inline and inline.active[vim.api.nvim_get_current_buf()]
  if not asking then
    return false
  elseif asking:count_items() > 1 then
    vim.lsp.inline_completion.select()
  else
    asking:request(vim.lsp.protocol.InlineCompletionTriggerKind.Invoked)
  end
  return true
end

return M
