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

(require 'cl-lib)
(require 'eglot)
(require 'seq)
(require 'pylot-server)
(require 'pylot-ghost)

(defcustom pylot-command '("pylot-ls")
  "How to start the server: the program and its arguments."
  :type '(repeat string)
  :group 'pylot)

(defcustom pylot-modes
  '(python-mode python-ts-mode js-mode js-ts-mode typescript-ts-mode
    tsx-ts-mode go-mode go-ts-mode rust-mode rust-ts-mode c-mode c-ts-mode
    c++-mode c++-ts-mode java-mode java-ts-mode)
  "Major modes in which `global-pylot-mode' starts the server.
Eglot has one server in a buffer: in these modes it is this one, unless
another one is there already.  An entry is as in `eglot-server-programs',
so (MODE :language-id \"name\") names the language for the server."
  :type '(repeat sexp)
  :group 'pylot)

;;;; Starting the server

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
  :group 'pylot
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

(defun pylot--scope ()
  "Ask for a scope."
  (completing-read "Where? " '("here" "language" "everywhere") nil t nil nil "here"))

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

;;;; The mode

(defun pylot-status ()
  "What the server does in this buffer, in a word or two for the mode line."
  (let ((server (pylot--server)))
    (cond ((not server) "pylot off")
          ((pylot--paused) "pylot paused")
          ((pylot--loading server) (format "pylot %d%%%%" (pylot--loading server)))
          (t "pylot"))))

;;;###autoload
(define-minor-mode pylot-mode
  "Show behind the cursor what pylot-ls suggests.
Eglot's buffers that it serves have it by themselves."
  :lighter (:eval (concat " " (pylot-status)))
  (if pylot-mode
      (progn
        (setq pylot--tick (buffer-chars-modified-tick))
        (add-to-list 'emulation-mode-map-alists 'pylot--emulation-map-alist)
        (add-hook 'after-change-functions #'pylot--note-change nil t)
        (add-hook 'post-command-hook #'pylot--follow nil t)
        (add-hook 'completion-at-point-functions #'pylot-completion-at-point -10 t)
        (add-hook 'completion-preview-active-mode-hook #'pylot--preview-shown nil t)
        (when (pylot--paused)
          (pylot--tell-paused (pylot--server))))
    (pylot--hide)
    (setq pylot--is-active nil)
    (when pylot--timer (cancel-timer pylot--timer))
    (remove-hook 'after-change-functions #'pylot--note-change t)
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
