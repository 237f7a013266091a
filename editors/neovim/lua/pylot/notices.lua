-- What the user is told, each message once: a fault that lasts must not come up with every file.

local M = {}

local told = {}

-- Say something is not as it should be, and what to do, in as much as the line holds.
function M.once(message)
  if not told[message] then
    told[message] = true
    -- Later than what runs now: a message in the middle of typing or of a file being opened asks for Return.
    vim.schedule(function()
      local line = vim.fn.strcharpart('pylot-ls: ' .. message, 0, vim.v.echospace)
      vim.notify(line, vim.log.levels.WARN)
    end)
  end
end

-- Say what the user asked for.
function M.say(message)
  vim.notify('pylot-ls: ' .. message, vim.log.levels.INFO)
end

-- The same faults are worth saying again: the user has asked for another try.
function M.forget()
  told = {}
end

return M
