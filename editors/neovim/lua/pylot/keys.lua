-- The keys of insert mode. A key does what it did before wherever nothing is suggested.

local M = {}

local ACTIONS = {
  accept = { 'Accept the suggestion', 'accept' },
  accept_word = { "Accept the suggestion's next word", 'accept_word' },
  accept_line = { "Accept the suggestion's next line", 'accept_line' },
  other = { 'Other suggestions', 'other' },
}

-- Keys that were left to what the user has mapped there.
M.left = {}

-- What a key did before: a function that gives the keys to press; nil where that cannot be told.
local function before(key)
  local mapping = vim.fn.maparg(key, 'i', false, true)
  if vim.tbl_isempty(mapping) then
    return function()
      return key
    end
  elseif mapping.expr == 1 and mapping.callback then
    return mapping.callback -- such as Neovim's own on Tab, which jumps in a snippet
  end
end

-- Map them; `false` for a key leaves it out.
function M.map(keys)
  for action, key in pairs(keys) do
    local what, name = unpack(ACTIONS[action] or error(("pylot: no key '%s' in vim.g.pylot.keys"):format(action), 0))
    local otherwise = key and before(key)
    if key and not otherwise then
      M.left[key] = action
    elseif key then
      vim.keymap.set('i', key, function()
        return require('pylot')[name]() and '' or otherwise()
      end, { expr = true, replace_keycodes = true, silent = true, desc = what .. ' of pylot-ls' })
    end
  end
end

return M
