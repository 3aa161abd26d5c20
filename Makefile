# Two commands for a fresh Debian machine; everything else is behind `npm run`.
.PHONY: demo test tools

demo: tools
	@scripts/with-node npm run --silent demo

test: tools
	@scripts/with-node npm run --silent test:all

# Installs what is missing: Debian packages by apt-get, Node 24 and the rest by npm.
tools:
	@scripts/install-tools
