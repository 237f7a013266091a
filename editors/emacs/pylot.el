;;; pylot.el --- Inline suggestions of pylot-ls, a local language model  -*- lexical-binding: t; -*-

;; Version: 0.1.0
;; Package-Requires: ((emacs "30.1"))
;; Keywords: convenience, languages, tools
;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; pylot-ls is a language server that holds a language model on your own
;; machine.  With
;;
;;     (require 'pylot)
;;     (global-pylot-mode)
;;
;; Eglot starts it in the modes of `pylot-modes', and what it suggests is
;; shown behind the cursor: TAB accepts all of it, M-f the next word, C-e the
;; line, C-g hides it.  `M-n' asks for other suggestions, then shows the next.
;; Where nothing is shown these keys do what they always do.
;;
;; Eglot starts a server again that was killed, `pylot-restart' any other.
;; In lsp-mode, `pylot-lsp-mode-setup' adds the server beside your others.

;;; Code:

(require 'eglot)
(require 'jsonrpc)
(require 'seq)
(require 'subr-x)

(defgroup pylot nil
  "Inline suggestions of a local language model."
  :group 'convenience
  :prefix "pylot-")

(defcustom pylot-command '("pylot-ls")
  "How to start the server: the program and its arguments."
  :type '(repeat string))

(defcustom pylot-modes
  '(python-mode python-ts-mode js-mode js-ts-mode typescript-ts-mode
    tsx-ts-mode go-mode go-ts-mode rust-mode rust-ts-mode c-mode c-ts-mode
    c++-mode c++-ts-mode java-mode java-ts-mode)
  "Major modes in which `global-pylot-mode' starts the server.
Eglot has one server in a buffer: in these modes it is this one, unless
another one is there already.  An entry is as in `eglot-server-programs',
so (MODE :language-id \"name\") names the language for the server."
  :type '(repeat sexp))

(defcustom pylot-delay 0.1
  "How many seconds after a keystroke a suggestion is asked for."
  :type 'number)

(defface pylot-suggestion '((t :inherit shadow))
  "Face of what is suggested.")

;;;; The server, as Eglot has it

(defclass pylot-server (eglot-lsp-server)
  ((loading :initform nil :accessor pylot--loading
            :documentation "How far the model is loaded, in percent."))
  :documentation "The language server pylot-ls.")

(cl-defmethod eglot-client-capabilities ((_server pylot-server))
  "Announce inline completion as well, which Eglot knows nothing of."
  (let* ((all (cl-call-next-method))
         (document (plist-get all :textDocument)))
    (plist-put all :textDocument
               (plist-put document :inlineCompletion
                          '(:dynamicRegistration :json-false)))))

(cl-defmethod eglot-handle-notification
  ((server pylot-server) (_method (eql $/progress)) &key token value &allow-other-keys)
  "Note on SERVER how far the model is loaded, from VALUE where TOKEN names that."
  (cl-call-next-method)
  (when (equal token "pylot-ls/model")
    (setf (pylot--loading server)
          (unless (equal (plist-get value :kind) "end")
            (or (plist-get value :percentage) 0)))
    (force-mode-line-update t)))

(defun pylot--server ()
  "The server of this buffer, if it is pylot-ls; else nil."
  (let ((server (eglot-current-server)))
    (and server (object-of-class-p server 'pylot-server) server)))

;; Eglot has no public names for these three.

(defun pylot--parameters ()
  "Point in this buffer, as the server counts it."
  (eglot--TextDocumentPositionParams))

(defun pylot--send-changes ()
  "Tell the server what was typed; Eglot would do so half a second later."
  (eglot--signal-textDocument/didChange))

(defun pylot--document ()
  "This buffer's address."
  (plist-get (eglot--TextDocumentIdentifier) :uri))

(defun pylot--run (server command argument)
  "Have SERVER run COMMAND with an ARGUMENT; nobody waits for it."
  (jsonrpc-async-request
   server :workspace/executeCommand
   (list :command command :arguments (vector argument))
   :success-fn #'ignore :error-fn #'ignore :timeout-fn #'ignore))

(defvar pylot--told nil
  "What the user was told, so that each message comes once.")

(defun pylot--say-once (message)
  "Show MESSAGE, unless it was shown before."
  (unless (member message pylot--told)
    (push message pylot--told)
    (message "pylot-ls: %s" message)))

(defun pylot-ensure ()
  "Start the server for this buffer, unless it has another one.
Made for the hooks of major modes, too."
  (interactive)
  (cond
   ((eglot-managed-p))
   ((not (executable-find (car pylot-command)))
    (pylot--say-once
     (format "%s is not installed or not in `exec-path': pip install pylot-ls, or set `pylot-command'"
             (car pylot-command))))
   (t
    ;; In this buffer only: what the user has set for these modes stays.
    (setq-local eglot-server-programs
                (list (cons (if (seq-some (lambda (each) (eq major-mode (car (ensure-list each))))
                                          pylot-modes)
                                pylot-modes
                              major-mode)
                            (cons 'pylot-server pylot-command))))
    (eglot-ensure))))

(defun pylot--ensure-where-wanted ()
  "Start the server in a file of one of `pylot-modes'."
  (when (and buffer-file-name
             (seq-some (lambda (each) (eq major-mode (car (ensure-list each)))) pylot-modes))
    (pylot-ensure)))

;;;###autoload
(define-minor-mode global-pylot-mode
  "Start pylot-ls in files of `pylot-modes', and show what it suggests."
  :global t
  (if global-pylot-mode
      (progn
        (add-hook 'after-change-major-mode-hook #'pylot--ensure-where-wanted)
        (seq-do (lambda (buffer) (with-current-buffer buffer (pylot--ensure-where-wanted)))
                (buffer-list)))
    (remove-hook 'after-change-major-mode-hook #'pylot--ensure-where-wanted)))

(defun pylot-restart ()
  "End the server of this buffer, if there is one, and start it anew."
  (interactive)
  (setq pylot--told nil)
  (if-let* ((server (pylot--server)))
      (eglot-reconnect server t)
    (pylot-ensure)))

;;;; Pausing

(defvar pylot--paused-everywhere nil)
(defvar pylot--paused-modes nil
  "Major modes in which suggestions are paused.")
(defvar-local pylot--paused-here nil)

(defun pylot--paused ()
  "Where suggestions are paused that this buffer would have; nil for nowhere."
  (cond (pylot--paused-everywhere "everywhere")
        ((memq major-mode pylot--paused-modes) "language")
        (pylot--paused-here "here")))

(defun pylot--scope ()
  "Ask for a scope."
  (completing-read "Where? " '("here" "language" "everywhere") nil t nil nil "here"))

(defun pylot--tell-paused (&optional server)
  "Tell SERVER, or all of them, what is paused: it computes nothing there."
  (let ((scopes (and pylot--paused-everywhere (list (make-hash-table)))))
    (dolist (buffer (buffer-list))
      (with-current-buffer buffer
        (when (and (pylot--server) (or pylot--paused-here (memq major-mode pylot--paused-modes)))
          (push (list :uri (pylot--document)) scopes))))
    (dolist (each (if server (list server)
                    (delete-dups (delq nil (mapcar (lambda (buffer)
                                                     (with-current-buffer buffer (pylot--server)))
                                                   (buffer-list))))))
      (pylot--run each "pylot.resume" (make-hash-table))
      (dolist (scope scopes)
        (pylot--run each "pylot.pause" scope))))
  (force-mode-line-update t))

(defun pylot-pause (scope)
  "Suggest nothing for a while.
SCOPE is \"here\" for this buffer, \"language\" for its major mode, or
\"everywhere\"."
  (interactive (list (pylot--scope)))
  (pcase scope
    ("here" (setq pylot--paused-here t))
    ("language" (cl-pushnew major-mode pylot--paused-modes))
    (_ (setq pylot--paused-everywhere t)))
  (pylot--hide)
  (pylot--tell-paused))

(defun pylot-resume (scope)
  "Suggest again in SCOPE, as in `pylot-pause'.
\"everywhere\" takes back the other two as well."
  (interactive (list (pylot--scope)))
  (pcase scope
    ("here" (setq pylot--paused-here nil))
    ("language" (setq pylot--paused-modes (delq major-mode pylot--paused-modes)))
    (_ (setq pylot--paused-everywhere nil
             pylot--paused-modes nil)
       (dolist (buffer (buffer-list))
         (with-current-buffer buffer (setq pylot--paused-here nil)))))
  (pylot--tell-paused))

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
    (when pylot--timer (cancel-timer pylot--timer))
    (setq pylot--timer
          (run-with-idle-timer pylot-delay nil #'pylot--ask-in (current-buffer)))))

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

;;;; The mode

(defun pylot-status ()
  "What the server does in this buffer, in a word or two for the mode line."
  (let ((server (pylot--server)))
    (cond ((not server) "pylot off")
          ((pylot--paused) "pylot paused")
          ((pylot--loading server) (format "pylot %d%%%%" (pylot--loading server)))
          (t "pylot"))))

(defun pylot--preview-shown ()
  "Make room for the preview of `completion-preview-mode'."
  (when (bound-and-true-p completion-preview-active-mode)
    (pylot--hide)
    (setq pylot--is-active nil)))

;;;###autoload
(define-minor-mode pylot-mode
  "Show behind the cursor what pylot-ls suggests.
Eglot's buffers that it serves have it by themselves."
  :lighter (:eval (concat " " (pylot-status)))
  (if pylot-mode
      (progn
        (setq pylot--tick (buffer-chars-modified-tick))
        (add-to-list 'emulation-mode-map-alists 'pylot--emulation-map-alist)
        (add-hook 'post-command-hook #'pylot--follow nil t)
        (add-hook 'completion-at-point-functions #'pylot-completion-at-point -10 t)
        (add-hook 'completion-preview-active-mode-hook #'pylot--preview-shown nil t)
        (when (pylot--paused)
          (pylot--tell-paused (pylot--server))))
    (pylot--hide)
    (setq pylot--is-active nil)
    (when pylot--timer (cancel-timer pylot--timer))
    (remove-hook 'post-command-hook #'pylot--follow t)
    (remove-hook 'completion-at-point-functions #'pylot-completion-at-point t)
    (remove-hook 'completion-preview-active-mode-hook #'pylot--preview-shown t)))

(defun pylot--managed ()
  "Switch `pylot-mode' on where Eglot has this server, and off where it has not."
  (let ((wanted (and (eglot-managed-p) (pylot--server) t)))
    (unless (eq wanted (and pylot-mode t))
      (pylot-mode (if wanted 1 -1)))))

(add-hook 'eglot-managed-mode-hook #'pylot--managed)

;;;; lsp-mode

(declare-function lsp-register-client "lsp-mode")
(declare-function make-lsp-client "lsp-mode")
(declare-function lsp-stdio-connection "lsp-mode")
(declare-function lsp-inline-completion-mode "lsp-inline-completion")

(defun pylot--show-in-lsp-mode ()
  "Switch on the inline completion that lsp-mode has itself."
  (when (fboundp 'lsp-inline-completion-mode)
    (lsp-inline-completion-mode 1)))

;;;###autoload
(defun pylot-lsp-mode-setup ()
  "Let lsp-mode start pylot-ls beside the other servers of a buffer.
Suggestions are shown by lsp-mode's own `lsp-inline-completion-mode'."
  (with-eval-after-load 'lsp-mode
    (lsp-register-client
     (make-lsp-client
      :new-connection (lsp-stdio-connection (lambda () pylot-command))
      :activation-fn (lambda (&rest _)
                       (seq-some (lambda (each) (eq major-mode (car (ensure-list each)))) pylot-modes))
      :add-on? t
      :priority -2
      :server-id 'pylot))
    (add-hook 'lsp-after-open-hook #'pylot--show-in-lsp-mode)))

(provide 'pylot)
;;; pylot.el ends here
