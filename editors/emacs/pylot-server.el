;;; pylot-server.el --- The server pylot-ls, as Eglot has it  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; What the other files of pylot need of the server: which buffer has it,
;; what it is told, and where it is paused.

;;; Code:

(require 'eglot)
(require 'jsonrpc)

(defgroup pylot nil
  "Inline suggestions of a local language model."
  :group 'convenience
  :prefix "pylot-")

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

;;;; Where it is paused

(defvar pylot--paused-everywhere nil)
(defvar pylot--paused-modes nil
  "Major modes in which suggestions are paused.")
(defvar-local pylot--paused-here nil)

(defun pylot--paused ()
  "Where suggestions are paused that this buffer would have; nil for nowhere."
  (cond (pylot--paused-everywhere "everywhere")
        ((memq major-mode pylot--paused-modes) "language")
        (pylot--paused-here "here")))

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

(provide 'pylot-server)
;;; pylot-server.el ends here
