#!/usr/bin/env bash
# fetch_editor.sh neovim|old-neovim|helix|emacs|lsp-mode FOLDER
#
# Puts Neovim >= 0.12, Neovim 0.10, Helix or Emacs >= 30 with all its libraries under FOLDER, on a Debian machine whose
# own is another or missing, and prints the path of the executable. Nothing is installed on the machine and root is not needed: apt resolves
# and downloads with a private state (signatures checked as always), dpkg-deb unpacks, and patchelf points the
# executable at the libraries beside it, so that what Neovim starts (a language server) inherits a clean
# environment. The mirror is the one this machine's apt uses. FOLDER cannot be moved afterwards. Of lsp-mode and the
# packages in lisp that it needs the folder of their sources is printed.
#
# Exit codes: 2 wrong usage, 3 not possible on this machine, 4 the download or the unpacking failed.
set -euo pipefail

suite=forky # the Debian release that brings Neovim 0.12, unless another is named below
say() { printf 'fetch_editor.sh: %s\n' "$*" >&2; }
cannot() { say "$*"; exit 3; }
failed() { say "$*"; exit 4; }

[ $# -eq 2 ] || { say "usage: fetch_editor.sh neovim|old-neovim|helix|emacs|lsp-mode FOLDER"; exit 2; }
only=. # all packages
case $1 in # the package, its executable, and what is run
    neovim) package=neovim program=usr/bin/nvim run=$program ;;
    old-neovim) package=neovim program=usr/bin/nvim run=$program suite=trixie ;; # 0.10
    helix) package=hx program=usr/lib/hx/hx run=$program ;; # it looks for its runtime beside itself
    emacs) package=emacs-nox program=usr/bin/emacs-nox run=emacs ;;
    lsp-mode) package=elpa-lsp-mode program= run=usr/share/emacs/site-lisp/elpa-src only=^elpa- ;;
    *) say "there is no $1 to fetch"; exit 2 ;;
esac
mkdir -p "$2"
folder=$(cd "$2" && pwd -P)
stamp=$folder/fetched editor=$folder/tree/$run
have() { [ -x "$editor" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$suite $package 2" ]; }
have && { echo "$editor"; exit 0; }

for tool in apt-get apt-config dpkg dpkg-deb flock; do
    command -v "$tool" >/dev/null || cannot "there is no $tool here: this works on Debian only"
done
case $(dpkg --print-architecture) in
    amd64) triplet=x86_64-linux-gnu ;;
    arm64) triplet=aarch64-linux-gnu ;;
    *) cannot "works on amd64 and arm64, not on $(dpkg --print-architecture)" ;;
esac
keyring=$(find /usr/share/keyrings -name 'debian-archive-keyring.*' 2>/dev/null | sort | head -n 1)
[ -n "$keyring" ] || cannot "there is no debian-archive-keyring here: this works on Debian only"
release=$(. /etc/os-release && echo "${VERSION_CODENAME:-unstable}")
mirror=$(apt-get --print-uris update 2>/dev/null | sed -n "s|^'\(.*\)/dists/$release/InRelease'.*|\1|p" | sed -n 1p)
[ -n "$mirror" ] || cannot "apt has no source for $release on this machine"

exec 9>"$folder/lock"
flock 9 # another run may be at work: wait for it, then look again
have && { echo "$editor"; exit 0; }
new=$folder/new apt=$folder/apt
rm -rf "$new" "$apt" "$folder/tree" "$stamp"
trap 'rm -rf "$new" "$apt"' EXIT
mkdir -p "$new" "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/debs"
: >"$apt/status" # an empty system: apt resolves everything down to the C library
echo "deb [signed-by=$keyring] $mirror $suite main" >"$apt/sources.list"
{   # the machine's own way to the mirror (proxy, retries) holds; its hooks and its other sources do not
    apt-config dump Acquire
    printf '%s;\n' "Dir::State \"$apt\"" "Dir::State::status \"$apt/status\"" "Dir::Cache \"$apt/cache\"" \
        "Dir::Etc::SourceList \"$apt/sources.list\"" 'Dir::Etc::SourceParts "/dev/null"' \
        'Dir::Etc::Parts "/dev/null"' 'Dir::Etc::Main "/dev/null"' \
        'Dir::Etc::Preferences "/dev/null"' 'Dir::Etc::PreferencesParts "/dev/null"' \
        "APT::Sandbox::User \"$(id -un)\"" 'APT::Install-Recommends "false"' 'APT::Update::Error-Mode "any"' \
        'Acquire::Languages { "none"; }' 'Acquire::Retries "3"' 'Acquire::http::Timeout "30"'
} >"$apt/apt.conf"
export APT_CONFIG=$apt/apt.conf LC_ALL=C

apt-get -qq update >&2 || failed "apt could not read the package list of $suite: is there a network?"
plan=$(apt-get -qq -s install "$package" patchelf) || failed "apt could not resolve $package in $suite"
mapfile -t packages < <(awk '$1 == "Inst" { print $2 "=" substr($3, 2) }' <<<"$plan" | grep "$only")
(cd "$apt/debs" && apt-get -qq download "${packages[@]}" >&2) || failed "apt could not download $package"
for deb in "$apt"/debs/*.deb; do
    dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$new" --exclude='./etc' --exclude='./var' \
        --exclude='./usr/share/doc' --exclude='./usr/share/man' --exclude='./usr/share/locale' ||
        failed "could not unpack $(basename "$deb")"
done

if [ -z "$program" ]; then # nothing to run
    mv "$new" "$folder/tree"
    [ -d "$editor" ] || failed "$package holds no sources"
    echo "$suite $package 2" >"$stamp"
    echo "$editor"
    exit 0
fi
lib=usr/lib/$triplet
loader=$(cd "$new" && find usr -name 'ld-linux-*.so.*' | sort | sed -n 1p)
[ -n "$loader" ] || failed "the packages hold no dynamic loader"
patchelf() { "$new/$loader" --library-path "$new/$lib" "$new/usr/bin/patchelf" "$@"; }
patchelf --set-interpreter "$folder/tree/$loader" --force-rpath --set-rpath "$folder/tree/$lib" \
    "$new/$program" || failed "could not patch the executable"
mv "$new" "$folder/tree"
if [ "$package" = emacs-nox ]; then # it has the places of its files built in
    version=$(basename "$folder"/tree/usr/share/emacs/[0-9]*)
    share=$folder/tree/usr/share/emacs/$version lib=$folder/tree/usr/libexec/emacs/$version/$triplet
    lisp=$(find "$share/lisp" -type d ! -name obsolete | sort | paste -sd:)
    printf '#!/bin/sh\nexport EMACSLOADPATH="%s" EMACSDATA="%s" EMACSDOC="%s" EMACSPATH="%s"\nexec "%s" "%s" "$@"\n' \
        "$lisp" "$share/etc" "$share/etc" "$lib" "$folder/tree/$program" "--dump-file=$(echo "$lib"/emacs-*.pdmp)" >"$editor"
    chmod +x "$editor"
fi
"$editor" --version >/dev/null || failed "the unpacked editor does not start"
echo "$suite $package 2" >"$stamp"
echo "$editor"
