-- Loaded into Neovim before its configuration: notes what an onlooker cannot see on the screen, so that a test
-- waits for events and not for time to pass. `neovim.py` reads it.

local observer = { started = false, exited = false, answered = nil }
_G.pylot_observer = observer

local METHOD = 'textDocument/inlineCompletion'

-- Where a request was made: it is out of date once the text or the cursor is elsewhere.
local function here()
  local cursor = vim.api.nvim_win_get_cursor(0)
  return ('%d:%d:%d'):format(vim.api.nvim_buf_get_changedtick(0), cursor[1], cursor[2])
end

-- Neovim ends when whoever started it does: its end of the pipe closes.
local channel = vim.fn.stdioopen({
  on_stdin = function(_, data)
    if #data == 1 and data[1] == '' then
      vim.cmd('qall!')
    end
  end,
})

vim.lsp.config('pylot', {
  before_init = function()
    observer.started = true
    observer.exited = false
  end,
  on_exit = function()
    observer.exited = true
  end,
})

-- Where nobody looks on Neovim's own question answers itself at once.
observer.question, observer.reply = '', 1
vim.fn.confirm = function(message)
  observer.question = message
  return observer.reply
end

local asked = {}
vim.api.nvim_create_autocmd('LspRequest', {
  callback = function(event)
    local request = event.data.request
    if request.method ~= METHOD then
      return
    end
    local id = event.data.client_id .. ':' .. event.data.request_id
    if request.type == 'pending' then
      asked[id] = here()
    elseif request.type == 'complete' then
      -- The answer's own handler is next in the queue; count the request as answered after it.
      vim.schedule(function()
        observer.answered = asked[id]
      end)
    end
  end,
})

-- The server is there and Neovim has told it of the buffer.
function observer.attached()
  local client = vim.lsp.get_clients({ name = 'pylot', bufnr = 0 })[1]
  return client ~= nil and client.initialized and client:supports_method(METHOD)
end

-- The server never started, or has ended. The plugin may start it again, and starts it a moment after a file is opened.
function observer.gone()
  local plugin = package.loaded['pylot.server']
  if plugin then
    return plugin.state.failed ~= nil
  end
  return observer.exited or not observer.started
end

-- The suggestion asked for at this text and this cursor has come, or the answer that there is none.
function observer.answered_here()
  return observer.answered == here()
end

-- The ghost text: { line from 0, column in bytes, text, cursor's line from 0, cursor's column in bytes }.
function observer.ghost_text()
  local namespace = vim.api.nvim_get_namespaces()['nvim.lsp.inline_completion']
  local mark = namespace and vim.api.nvim_buf_get_extmarks(0, namespace, 0, -1, { details = true })[1]
  if not mark then
    return nil
  end
  local function text(chunks)
    return vim.iter(chunks):map(function(chunk) return chunk[1] end):join('')
  end
  local lines = { text(mark[4].virt_text or {}) }
  for _, chunks in ipairs(mark[4].virt_lines or {}) do
    lines[#lines + 1] = text(chunks)
  end
  local cursor = vim.api.nvim_win_get_cursor(0)
  return { mark[2], mark[3], table.concat(lines, '\n'), cursor[1] - 1, cursor[2] }
end

-- How many suggestions there are to choose from.
function observer.n_suggestions()
  local completor = require('vim.lsp._capability').all.inline_completion.active[vim.api.nvim_get_current_buf()]
  return completor and completor:count_items() or 0
end

-- The screen's rows as lists of cells; the second cell of a wide character is empty.
function observer.screen()
  vim.cmd.redraw()
  local rows = {}
  for y = 1, vim.o.lines do
    rows[y] = {}
    for x = 1, vim.o.columns do
      rows[y][x] = vim.fn.screenstring(y, x)
    end
  end
  return rows
end

-- Row and column, from 0, of the cell that follows the text before the cursor.
function observer.cursor_cell()
  local cursor = vim.api.nvim_win_get_cursor(0)
  local before = vim.api.nvim_get_current_line():sub(1, cursor[2])
  local window = vim.fn.getwininfo(vim.api.nvim_get_current_win())[1]
  local row = vim.fn.screenpos(0, cursor[1], 1).row
  return { row - 1, window.wincol - 1 + window.textoff + vim.fn.strdisplaywidth(before) }
end

vim.fn.chansend(channel, 'ready\n')
