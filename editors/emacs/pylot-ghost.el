;;; pylot-ghost.el --- What pylot-ls suggests, behind the cursor  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; Asks for suggestions after edits, shows them by an overlay, and accepts
;; them whole, by word and by line.  `pylot-mode' switches it on.

;;; Code:

(require 'jsonrpc)
(require 'subr-x)
(require 'pylot-server)

(defcustom pylot-delay 0.1
  "How many seconds after a keystroke a suggestion is asked for."
  :type 'number
  :group 'pylot)

(defface pylot-suggestion '((t :inherit shadow))
  "Face of what is suggested."
  :group 'pylot)

;;;; What is suggested

(defvar-local pylot--overlay nil
  "Shows what is suggested; nil where nothing is.")
(defvar-local pylot--items nil
  "The server's suggestions, as it sent them; the first is the one shown.")
(defvar-local pylot--nth 1
  "Which of them that is, of those that were asked for by hand.")
(defvar-local pylot--text nil
  "What is left of the one shown.")
(defvar-local pylot--place nil
  "Where it stands: (POSITION . TICK) of the buffer.")
(defvar-local pylot--dismissed nil
  "Where the user wants none: (POSITION . TICK).")
(defvar-local pylot--timer nil)
(defvar-local pylot--tick nil
  "Which text was asked about last.")
(defvar-local pylot--changed nil
  "Where the text was changed last: (START . END).")

(defun pylot--here ()
  "Point, and which text it is in."
  (cons (point) (buffer-chars-modified-tick)))

(defun pylot--hide ()
  "Show nothing any more."
  (when pylot--overlay
    (delete-overlay pylot--overlay))
  (setq pylot--overlay nil
        pylot--items nil
        pylot--text nil
        pylot--place nil))

(defun pylot-dismiss ()
  "Hide what is suggested, until something else is typed."
  (interactive)
  (pylot--hide)
  (setq pylot--dismissed (pylot--here)))

(defun pylot--show (text)
  "Show TEXT behind point."
  (let ((shown (propertize
                ;; There is no place for the cursor before a line's end.
                (if (string-prefix-p "\n" text) (concat " " text) text)
                'face 'pylot-suggestion)))
    ;; The cursor stands before the text and not behind it.
    (put-text-property 0 1 'cursor t shown)
    (setq pylot--text text
          pylot--place (pylot--here))
    (unless pylot--overlay
      (setq pylot--overlay (make-overlay (point) (point) nil t)))
    (move-overlay pylot--overlay (point) (point))
    (overlay-put pylot--overlay 'after-string shown)))

(defun pylot--is-shown ()
  "Whether a suggestion is shown at point."
  (and pylot--overlay (equal pylot--place (pylot--here))))

(defvar-local pylot--is-active nil
  "Whether the keys of `pylot-active-map' are in effect.")

(defun pylot--is-wanted ()
  "Whether a suggestion may be shown now."
  (and (not (pylot--paused))
       (not (equal pylot--dismissed (pylot--here)))
       (not buffer-read-only)
       (not (use-region-p))
       (not completion-in-region-mode)
       (not executing-kbd-macro)
       (not (bound-and-true-p completion-preview-active-mode))
       (eq (current-buffer) (window-buffer))))

(defun pylot--note-change (start end _length)
  "Keep in mind that the text between START and END is new."
  (setq pylot--changed (cons start end)))

(defun pylot--is-typing ()
  "Whether the text was changed at point, and not elsewhere by an action."
  (and pylot--changed (<= (car pylot--changed) (point) (cdr pylot--changed))))

(defun pylot--follow ()
  "After each command: keep what is shown where it was typed along, else hide it."
  (let ((typed (and pylot--overlay (< (car pylot--place) (point))
                    (buffer-substring-no-properties (car pylot--place) (point)))))
    (cond
     ;; C-g while Emacs is at work is no key: it ends that work, with no command.
     ((memq this-command '(nil keyboard-quit)) (pylot-dismiss))
     ((pylot--is-shown)
      (unless (pylot--is-wanted) (pylot--hide)))
     ((and typed (string-prefix-p typed pylot--text) (not (equal typed pylot--text))
           (pylot--is-wanted))
      (pylot--show (substring pylot--text (length typed))))
     (t (pylot--hide))))
  (setq pylot--is-active (and (pylot--is-shown) t))
  (unless (eq pylot--tick (buffer-chars-modified-tick)) ; who only moves about wants none
    (setq pylot--tick (buffer-chars-modified-tick))
    (when (pylot--is-typing)
      (when pylot--timer (cancel-timer pylot--timer))
      (setq pylot--timer
            (run-with-idle-timer pylot-delay nil #'pylot--ask-in (current-buffer))))))

(defun pylot--ask-in (buffer)
  "Ask for a suggestion in BUFFER, if the user is still there."
  (when (and (buffer-live-p buffer) (eq buffer (window-buffer)))
    (with-current-buffer buffer
      (when (and (bound-and-true-p pylot-mode) (pylot--is-wanted))
        (pylot--ask 2)))))

(defun pylot--ask (kind)
  "Ask for suggestions at point; KIND is 1 where the user did, else 2."
  (when-let* ((server (pylot--server))
              ((jsonrpc-running-p server)))
    (pylot--send-changes)
    (let ((here (pylot--here))
          (buffer (current-buffer)))
      (jsonrpc-async-request
       server :textDocument/inlineCompletion
       (append (pylot--parameters) (list :context (list :triggerKind kind)))
       :success-fn
       (lambda (answer)
         (when (buffer-live-p buffer)
           (with-current-buffer buffer
             (when (and (equal here (pylot--here)) (pylot--is-wanted))
               (pylot--answered (append (if (vectorp answer) answer (plist-get answer :items)) nil))
               (when (= kind 1) (pylot--say-which 1))))))
       :error-fn #'ignore
       :timeout-fn #'ignore))))

(defun pylot--answered (items)
  "Show the first of ITEMS, or nothing."
  (if (not items)
      (pylot--hide)
    (setq pylot--items items)
    (pylot--show (plist-get (car items) :insertText)))
  (setq pylot--is-active (and (pylot--is-shown) t)))

(defun pylot--say-which (n)
  "Say that the one shown is the Nth."
  (setq pylot--nth n)
  (if pylot--items
      (message "Suggestion %d of %d" n (length pylot--items))
    (message "No other suggestions")))

(defun pylot-next ()
  "Ask for other suggestions; show the next of them where there are several."
  (interactive)
  (setq pylot--dismissed nil)
  (if (not (cdr pylot--items))
      (pylot--ask 1)
    (pylot--answered (append (cdr pylot--items) (list (car pylot--items))))
    (pylot--say-which (1+ (% pylot--nth (length pylot--items))))))

;;;; Accepting

(defun pylot--tell-accepted (item n-characters)
  "Tell the server that N-CHARACTERS of ITEM were accepted; nil for all of it."
  (when-let* ((server (pylot--server))
              (command (plist-get item :command)))
    (if n-characters
        (jsonrpc-notify server :textDocument/didPartiallyAcceptCompletion
                        (list :item item :acceptedLength n-characters))
      (pylot--run server (plist-get command :command)
                  (aref (plist-get command :arguments) 0)))))

(defun pylot--utf-16-length (text)
  "How many units of UTF-16 are in TEXT."
  (/ (string-bytes (encode-coding-string text 'utf-16le)) 2))

(defun pylot--accept (text)
  "Insert TEXT, with which what is shown begins, and keep the rest."
  (let* ((item (car pylot--items))
         (all (plist-get item :insertText))
         (rest (substring pylot--text (length text)))
         (accepted (substring all 0 (- (length all) (length rest)))))
    (undo-boundary)
    (delete-overlay pylot--overlay)
    (setq pylot--overlay nil)
    (insert text)
    (pylot--send-changes)
    (pylot--tell-accepted item (unless (string-empty-p rest) (pylot--utf-16-length accepted)))
    (if (string-empty-p rest)
        (pylot--hide)
      (pylot--show rest))))

(defun pylot-accept ()
  "Accept all that is suggested."
  (interactive)
  (when (pylot--is-shown)
    (pylot--accept pylot--text)))

(defun pylot-accept-word ()
  "Accept the next word of what is suggested, with what stands before it."
  (interactive)
  (when (pylot--is-shown)
    (string-match "\\`[[:space:]\n]*\\(?:[[:alnum:]_]+\\|[^[:alnum:]_[:space:]\n]+\\)?" pylot--text)
    (pylot--accept (if (> (match-end 0) 0)
                       (match-string 0 pylot--text)
                     pylot--text))))

(defun pylot-accept-line ()
  "Accept what is suggested up to the end of its line; at one, the line after it."
  (interactive)
  (when (pylot--is-shown)
    (string-match "\\`\n?[^\n]*" pylot--text)
    (pylot--accept (match-string 0 pylot--text))))

(defvar-keymap pylot-active-map
  :doc "Keys while a suggestion is shown."
  "TAB" #'pylot-accept
  "<tab>" #'pylot-accept
  "M-f" #'pylot-accept-word
  "C-e" #'pylot-accept-line
  "M-n" #'pylot-next
  "C-g" #'pylot-dismiss)

;; The keymap of an empty overlay is never looked at.
(defvar pylot--emulation-map-alist `((pylot--is-active . ,pylot-active-map)))

(defun pylot-completion-at-point ()
  "What is shown, as a candidate of `completion-at-point'.
The server has none of its own while Emacs shows suggestions inline."
  (when (and (pylot--is-shown) (not (string-prefix-p "\n" pylot--text)))
    (let* ((start (save-excursion (skip-chars-backward "[:alnum:]_") (point)))
           (item (car pylot--items))
           (candidate (concat (buffer-substring-no-properties start (point)) pylot--text)))
      (list start (point) (list candidate)
            :exclusive 'no
            :annotation-function (lambda (_) " pylot-ls")
            :exit-function (lambda (_ status)
                             (when (eq status 'finished)
                               (pylot--tell-accepted item nil)))))))

(defun pylot--preview-shown ()
  "Make room for the preview of `completion-preview-mode'."
  (when (bound-and-true-p completion-preview-active-mode)
    (pylot--hide)
    (setq pylot--is-active nil)))

(provide 'pylot-ghost)
;;; pylot-ghost.el ends here
