# The peers of run, sourced by it: how each is made, once, in the cache; its
# command line; what it cannot do.

# cannot REASON [LOG]: the peers are not to be had
cannot() {
	if [ -n "${2-}" ]; then
		tail -n 15 "$2"
	fi
	if [ "${INTEROP_REQUIRED:-0}" = 1 ]; then
		echo "FAIL interop: $1 (and it is required)"
		echo "0 passed, 1 failed"
		exit 1
	fi
	echo "SKIP interop: $1"
	exit 77
}

version_of() { "$@" 2>/dev/null | grep -o '[0-9][0-9.]*' | head -n 1; }
at_least() { [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }
digest() { cat "$@" | sha256sum | cut -c1-16; }

# need NAME OLDEST COMMAND...: the command prints a version, new enough
need() {
	local name=$1 oldest=$2 v
	shift 2
	v=$(version_of "$@")
	[ -n "$v" ] || cannot "no $name"
	at_least "$oldest" "$v" || cannot "$name $v is older than $oldest"
}

# built DIR COMMAND...: runs the command, which fills DIR.new, unless there is
# DIR already: all or nothing
built() {
	local dir=$1
	shift
	[ ! -d "$dir" ] || return 0
	echo "building ${dir##*/}"
	rm -rf "$dir.new"
	mkdir -p "$dir.new"
	(cd "$dir.new" && "$@") >"$tmp/build" 2>&1 ||
	    cannot "${dir##*/} is not to be built" "$tmp/build"
	mv -T "$dir.new" "$dir"
}

fill_go() {
	(cd "$here/go" && CGO_ENABLED=0 GOFLAGS= go build -mod=readonly \
	    -trimpath -ldflags='-s -w' -o "$go.new/peer" .)
}
# Only the program is kept.
fill_rust() {
	mkdir src && cp "$here"/rust/Cargo.toml . &&
	    cp "$here"/rust/src/*.rs src &&
	    cargo build --quiet --release --target-dir target &&
	    mv target/release/peer . && rm -rf target
}
fill_node() { npm_install --no-save "$node_package"; }
fill_js() { cp "$here/js/package.json" . && npm_install; }
# The paths in an environment are absolute: it is made where it stays, and $py
# says that it is whole.
fill_py() {
	rm -rf "$py.env" && python3 -m venv "$py.env" &&
	    "$py.env/bin/pip" install -q -r "$here/py/requirements.txt"
}
npm_install() {
	npm install --no-audit --no-fund --no-package-lock --ignore-scripts \
	    --loglevel=error "$@"
}

# A Node of the system that is new enough, or one from a package.
build_node() {
	local v dir=$cache/${node_package/@/-}
	v=$(version_of node --version)
	if at_least 22 "$v"; then
		node=$(command -v node)
		return
	fi
	node=$dir/node_modules/${node_package%@*}/bin/node
	[ -x "$node" ] || [ "$(uname -sm)" = "Linux x86_64" ] ||
	    cannot "Node is older than 22"
	built "$dir" fill_node
}

build_go() {
	need Go 1.21 go version
	go=$cache/go-$(digest "$here"/go/{*.go,go.mod,go.sum})
	built "$go" fill_go
}
build_rust() {
	need Rust 1.88 rustc --version
	command -v cargo >/dev/null || cannot "no cargo"
	rust=$cache/rust-$(digest "$here"/rust/{Cargo.toml,src/*.rs})
	built "$rust" fill_rust
}
build_js() {
	js=$cache/js-$(digest "$here"/js/package.json)
	built "$js" fill_js
	# Beside its packages; another tree may use them at the same time.
	js_peer=$js/peer-$(digest "$here"/js/*.js)
	built "$js_peer" cp "$here"/js/*.js .
}
build_py() {
	need Python 3.10 python3 --version
	python3 -c 'import ensurepip, venv' 2>/dev/null ||
	    cannot "a Python without venv"
	py=$cache/py-$(digest "$here"/py/requirements.txt)
	built "$py" fill_py
}

build() {
	local p
	command -v node >/dev/null && command -v npm >/dev/null ||
	    cannot "no Node with npm"
	mkdir -p "$cache" || cannot "no directory $cache"
	exec 9>"$cache/lock"
	flock 9
	build_node
	for p in $peers; do
		case $p in
		go|rust|js|py) "build_$p" ;;
		*) cannot "no peer $p" ;;
		esac
	done
	exec 9>&-
}

# peer_command PEER: sets $peer
peer_command() {
	case $1 in
	go) peer=("$go/peer") ;;
	rust) peer=("$rust/peer") ;;
	js) peer=("$node" "$js_peer/peer.js") ;;
	py) peer=("$py.env/bin/python" "$here/py/peer.py") ;;
	esac
}

peer_version() {
	case $1 in
	go) echo "go-libp2p $(awk '$1 ~ /\/go-libp2p$/ {print $2}' \
	    "$here/go/go.mod")" ;;
	rust) echo "rust-libp2p $(sed -n 's/^libp2p = .*"=\([^"]*\)".*/\1/p' \
	    "$here/rust/Cargo.toml")" ;;
	js) echo "js-libp2p $(sed -n 's/.*"libp2p": "\(.*\)".*/\1/p' \
	    "$here/js/package.json")" ;;
	py) echo "py-libp2p $(sed -n 's/^libp2p==//p' \
	    "$here/py/requirements.txt")" ;;
	esac
}

# impossible WHAT: what $which itself cannot do, and what shows it
impossible() {
	case $which:$1 in
	go:mplex) echo "go-libp2p has yamux only: p2p/muxer" ;;
	js:"our ecdsa key"|js:"their ecdsa key")
		echo "no peer id of an ECDSA key:" \
		    "@libp2p/peer-id/dist/src/index.js" ;;
	py:"our ecdsa key"|py:"their ecdsa key")
		echo "no ECDSA keys: libp2p/crypto/serialization.py" ;;
	py:pnet) echo "Salsa20 and nonces of 8 bytes:" \
	    "libp2p/security/pnet/psk_conn.py" ;;
	rust:"reset, we listen") echo "a reset reads as an end of file:" \
	    "yamux/src/connection/stream.rs" ;;
	py:"reset, we listen") echo "a reset reads as an end of file:" \
	    "libp2p/stream_muxer/yamux/yamux.py" ;;
	*) return 1 ;;
	esac
}
