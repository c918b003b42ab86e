# What a C packager types. Cargo builds; the names and places of what is installed are decided here.
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib$(MULTIARCH)
INCLUDEDIR ?= $(PREFIX)/include$(MULTIARCH)
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
DATADIR ?= $(PREFIX)/share
CARGO ?= cargo
INSTALL ?= install
PORT ?= 8080

manifest = $(shell sed -n '/^$(1) = "/{s///;s/".*//p;q;}' Cargo.toml)
VERSION := $(call manifest,version)
LICENSE := $(call manifest,license)
URL := $(call manifest,repository)
SONAME := libsdlite.so.$(firstword $(subst ., ,$(VERSION)))
SOURCES := $(shell find Cargo.* build.rs src include/*.toml $(wildcard crates) -type f)
HEADERS = $(wildcard include/systemd/*.h)
CARGO_TARGET_DIR ?= target
BUILT = $(CARGO_TARGET_DIR)/$(CARGO_BUILD_TARGET:%=%/)release
SHARED = $(BUILT)/$(LIBC:%=%/)libsdlite.so

# The C compiler links the shared library. Where cargo builds for another machine, by the variable that tells cargo too.
ifeq ($(origin CC),default)
CC := $(if $(LIBC),$(LIBC)-gcc,$(or $(CARGO_TARGET_$(shell echo '$(CARGO_BUILD_TARGET)' | tr a-z- A-Z_)_LINKER),cc))
endif
# LIBC=musl: the library for programs of musl, beside that for those of glibc, with no programs. The archive is the same.
ifneq ($(LIBC),)
MULTIARCH = /$(subst -gnu,-$(LIBC),$(shell $(CC) -dumpmachine))
endif
ifeq ($(origin AR),default)
AR = $(shell $(CC) -print-prog-name=ar)
endif
# Every linker will do. lld and mold leave no holes in the file, where GNU ld fills up pages: of 64 KB on some machines.
takes = $(shell $(CC) -shared -nostdlib $(1) $(LDFLAGS) -o $(BUILT)/linked -x c /dev/null 2>/dev/null && echo '$(1)'; rm -f $(BUILT)/linked)
PACKED = $(firstword $(call takes,-fuse-ld=lld) $(call takes,-fuse-ld=mold)) $(call takes,-Wl$(comma)-z$(comma)noseparate-code)
comma := ,

bin = $(DESTDIR)$(BINDIR)
man = $(DESTDIR)$(MANDIR)
data = $(DESTDIR)$(DATADIR)
include = $(DESTDIR)$(INCLUDEDIR)/sdlite
lib = $(DESTDIR)$(LIBDIR)
# Places below the prefix are named by it, so that pkg-config --define-prefix moves them along.
below = $(1:$(PREFIX)/%=$(2)%)
PC = sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(call below,$(LIBDIR),$${prefix}/)|' \
	-e 's|@INCLUDEDIR@|$(call below,$(INCLUDEDIR),$${prefix}/)|' -e 's|@VERSION@|$(VERSION)|' \
	-e '$(if $(URL),s|@URL@|$(URL)|,/@URL@/d)' -e 's|@LICENSE@|$(LICENSE)|'
PC_FILES = pkgconfig/sdlite.pc sdlite/pkgconfig/libsystemd.pc sdlite/pkgconfig/systemd.pc

NAMES = sd-activate sdctl sd-notify sd-cat sd-proxy
TOOLS = $(addprefix $(BUILT)/,sd-notify sd-cat sd-proxy)
PROGRAMS = $(if $(LIBC),,$(addprefix $(BUILT)/,$(NAMES)))

all: $(PROGRAMS) $(if $(LIBC),,manuals) library

library: $(BUILT)/libsdlite.a $(SHARED)

# Where nothing has changed cargo is not called: who installs is often root, and has none.
$(BUILT)/sd-activate: $(SOURCES)
	$(CARGO) build --release $(CARGOFLAGS) --package sd-activate
	@touch -c $@

# Of the same package, and so built with it.
$(BUILT)/sdctl: $(BUILT)/sd-activate
	@touch -c $@

$(BUILT)/sd-notify: $(SOURCES)
	$(CARGO) build --release $(CARGOFLAGS) --package sd-tools
	@touch -c $@

$(BUILT)/sd-cat $(BUILT)/sd-proxy: $(BUILT)/sd-notify
	@touch -c $@

# All programs in one.
$(BUILT)/sdlite: $(SOURCES)
	$(CARGO) build --release $(CARGOFLAGS) --package sdlite-box
	@touch -c $@

box: $(BUILT)/sdlite

# Manual pages and completions, by a program that is run here, whatever machine is built for.
MANUALS = $(CARGO_TARGET_DIR)/manuals
manuals: $(MANUALS)/written

$(MANUALS)/written: $(SOURCES) $(HEADERS)
	env -u CARGO_BUILD_TARGET $(CARGO) run $(CARGOFLAGS) --package sdlite-manuals -- $(MANUALS) $(HEADERS)
	@touch $@

# The same without a library, with glibc, and with musl where Rust has it.
STATIC = $(CARGO_TARGET_DIR)/static
HOST = $(shell rustc -vV | sed -n 's/^host: //p')
MUSL = $(shell uname -m)-unknown-linux-musl
STATIC_TARGETS = $(HOST) $(shell [ ! -d "$$(rustc --print target-libdir --target $(MUSL) 2>/dev/null)" ] || echo $(MUSL))
static:
	for target in $(STATIC_TARGETS); do \
		RUSTFLAGS="$$RUSTFLAGS -C target-feature=+crt-static" $(CARGO) build --profile static $(CARGOFLAGS) \
			--package sdlite-box --target $$target --target-dir $(STATIC) && ls -l $(STATIC)/$$target/static/sdlite || exit 1; \
	done

$(BUILT)/libsdlite_c.a: $(SOURCES)
	$(CARGO) rustc --release $(CARGOFLAGS) --package libsdlite --lib --crate-type staticlib
	@touch -c $@

# All of it but compiler_builtins, which rustc puts into every archive: no program needs them beside its own libgcc. The objects lose
# the part of their names that says where they were made.
$(BUILT)/libsdlite.a: $(BUILT)/libsdlite_c.a Makefile
	new=$$(mktemp -d "$(abspath $@).XXXXXX") && cd "$$new" && \
	$(AR) x ../libsdlite_c.a $$($(AR) t ../libsdlite_c.a | \
		sed -nE '/^compiler_builtins/d; /(rcgu|variadic|arguments)\.o$$/p') && \
	for object in *.rcgu.o; do mv "$$object" "$${object#*.}"; done && \
	$(AR) rcsD libsdlite.a *.o && mv libsdlite.a .. && rm -r "$$new"

# Versions are given to the symbols here and not in the objects, which get into other shared objects too. As libsystemd it stays where
# it was loaded: who loads it once more finds the journal's socket open.
$(SHARED): $(BUILT)/libsdlite.a src/libsdlite.map Makefile
	$(if $(LIBC),mkdir -p $(@D))
	$(CC) -shared -nostartfiles -static-libgcc -o $@.$$$$ $(PACKED) -Wl,-soname,$(SONAME) -Wl,--version-script=src/libsdlite.map \
		-Wl,--no-undefined-version,-z,defs,-z,now,-z,relro,-z,nodelete -Wl,-Bsymbolic-functions -Wl,--gc-sections \
		-Wl,--hash-style=gnu $(LDFLAGS) -Wl,--whole-archive $< -Wl,--no-whole-archive && mv $@.$$$$ $@

install: install-runtime install-dev $(if $(LIBC),,install-activate install-tools install-manuals)

# What programs that are linked with the library need. What CMake and Meson build with the drop-in looks for $(SONAME) beside it.
install-runtime: library
	$(INSTALL) -d "$(lib)/sdlite"
	$(INSTALL) -m 755 $(SHARED) "$(lib)/libsdlite.so.$(VERSION)"
	ln -sf libsdlite.so.$(VERSION) "$(lib)/$(SONAME)"
	ln -sf ../$(SONAME) "$(lib)/sdlite/libsystemd.so.0"
	ln -sf ../$(SONAME) "$(lib)/sdlite/$(SONAME)"

# What their builds need.
install-dev: library
	$(INSTALL) -d "$(include)/systemd" "$(lib)/pkgconfig" "$(lib)/sdlite/pkgconfig"
	$(INSTALL) -m 644 $(HEADERS) "$(include)/systemd"
	$(INSTALL) -m 644 $(BUILT)/libsdlite.a "$(lib)/libsdlite.a"
	ln -sf $(SONAME) "$(lib)/libsdlite.so"
	ln -sf libsystemd.so.0 "$(lib)/sdlite/libsystemd.so"
	ln -sf ../libsdlite.a "$(lib)/sdlite/libsystemd.a"
	for pc in $(PC_FILES); do $(PC) $${pc##*/}.in >"$(lib)/$$pc" && chmod 644 "$(lib)/$$pc" || exit 1; done

install-activate: $(BUILT)/sd-activate $(BUILT)/sdctl
	$(INSTALL) -d "$(bin)"
	$(INSTALL) -m 755 $(BUILT)/sd-activate "$(bin)/sd-activate"
	$(INSTALL) -m 755 $(BUILT)/sdctl "$(bin)/sdctl"

install-tools: $(TOOLS)
	$(INSTALL) -d "$(bin)"
	$(INSTALL) -m 755 $(TOOLS) "$(bin)"

# $(call document,NAME...): installs a page of the manual for each program, and what shells complete it by.
define document
	$(INSTALL) -d "$(data)/bash-completion/completions" "$(data)/zsh/site-functions" "$(data)/fish/vendor_completions.d"
	for name in $(1); do \
		page=$$(echo $(MANUALS)/man?/$$name.?) && section="$(man)/man$${page##*.}" && \
		$(INSTALL) -d "$$section" && $(INSTALL) -m 644 "$$page" "$$section" && \
		$(INSTALL) -m 644 $(MANUALS)/completions/$$name.bash "$(data)/bash-completion/completions/$$name" && \
		$(INSTALL) -m 644 $(MANUALS)/completions/_$$name "$(data)/zsh/site-functions/_$$name" && \
		$(INSTALL) -m 644 $(MANUALS)/completions/$$name.fish "$(data)/fish/vendor_completions.d/$$name.fish" || exit 1; \
	done
endef

install-manuals: manuals
	$(INSTALL) -d "$(man)/man3"
	$(INSTALL) -m 644 $(MANUALS)/man3/* "$(man)/man3"
	$(call document,$(NAMES))

# Instead of the other programs: sdlite --install makes links by their names.
install-box: $(BUILT)/sdlite manuals
	$(INSTALL) -d "$(bin)"
	$(INSTALL) -m 755 $(BUILT)/sdlite "$(bin)/sdlite"
	$(call document,sdlite)

SHARED_DATA = $(addprefix $(MANDIR)/man,1 3 8) \
	$(addprefix $(DATADIR)/,bash-completion/completions zsh/site-functions fish/vendor_completions.d)

# What install and install-box have installed. Directories go if they are empty; those that every system has stay.
INSTALLED = $(if $(LIBC),,$(NAMES) sdlite)
uninstall:
	rm -f $(addprefix "$(bin)"/,$(INSTALLED))
	rm -f $(if $(LIBC),,"$(man)"/man3/sd_*.3sdlite "$(man)/man8/sd-proxy.8") $(patsubst %,"$(man)/man1/%.1",$(INSTALLED))
	rm -f $(foreach name,$(INSTALLED),"$(data)/bash-completion/completions/$(name)" "$(data)/zsh/site-functions/_$(name)" \
		"$(data)/fish/vendor_completions.d/$(name).fish")
	rm -f $(addprefix "$(include)"/systemd/,$(notdir $(HEADERS)))
	rm -f $(addprefix "$(lib)"/,libsdlite.a libsdlite.so $(SONAME) libsdlite.so.$(VERSION) $(PC_FILES))
	rm -f $(addprefix "$(lib)"/sdlite/,libsystemd.a libsystemd.so libsystemd.so.0 $(SONAME))
	@rmdir "$(include)/systemd" "$(include)" "$(lib)/sdlite/pkgconfig" "$(lib)/sdlite" "$(lib)/pkgconfig" 2>/dev/null || true
	@case "$(DESTDIR)$(PREFIX)" in /usr | /usr/local) ;; *) cd "$(DESTDIR)$(PREFIX)" && \
		rmdir -p $(foreach directory,$(BINDIR) $(INCLUDEDIR) $(LIBDIR) $(SHARED_DATA),"$(call below,$(directory))"); \
		rmdir "$(DESTDIR)$(PREFIX)" ;; esac 2>/dev/null || true

check:
	tests/check.sh

# What check compares the library with: says what it installs, and nothing else here installs anything. Needs root, and Debian.
check-deps:
	tests/deps.sh

# That make check depends on nothing of whoever runs it: runs it as another user, without network. Needs root.
check-elsewhere:
	tests/elsewhere.sh

# What make check compares with a million cases, with fifty million.
check-long:
	SDLITE_CASES=$${SDLITE_CASES:-50_000_000} $(CARGO) test --test compare

# The same with the newest release that Debian has, which it downloads; installs nothing.
check-newest:
	tests/newest.sh

# Needs root, and leaves nothing behind.
check-systemd: all
	tests/systemd/check.sh

# Of that only the units of tests/units, or those pairs of them that PAIRS names, under systemd and under sd-activate.
check-same: all
	tests/systemd/check.sh units $(PAIRS)

# Random sequences of what may happen to a few units, under systemd and under sd-activate: so many from a seed on.
SEED = 1
SEQUENCES = 24
check-sequences: all
	tests/systemd/check.sh sequences $(SEED) $(SEQUENCES)

# Twenty thousand connections, while the service is killed and all else is done to it and to sd-activate.
check-nothing-lost:
	SDLITE_CASES=$${SDLITE_CASES:-20_000} $(CARGO) test -p sd-activate --test nothing_lost -- --nocapture

# A server that sd-activate --connect= starts and stops a hundred times under load.
check-scale-to-zero:
	SDLITE_CASES=$${SDLITE_CASES:-100} $(CARGO) test -p sd-activate --test connect -- --nocapture

# The static program, alone in a root directory: builds it, which takes minutes. Needs root.
check-static: static
	for target in $(STATIC_TARGETS); do \
		SDLITE_STATIC_BOX=$(abspath $(STATIC))/$$target/static/sdlite $(CARGO) test -p sdlite-box --test static -- --ignored || exit 1; \
	done

# Every system call of sd-activate, made to fail in turn.
check-faults:
	SDLITE_CASES=$${SDLITE_CASES:-all} $(CARGO) test -p sd-activate --test faults -- --nocapture

# Needs root, and Debian, whose packages it downloads; installs nothing.
check-daemons:
	$(CARGO) test --test daemons -- all

# Which of the Debian packages that depend on libsystemd0 find every function that they use: writes docs/compatibility.md. Needs
# Debian, whose packages it downloads; installs nothing.
check-packages: library
	tests/packages/check.sh $(BUILT)/libsdlite.so

# Debian's services, activated from their own units under systemd and under sd-activate, or those that SERVICES names: a client gets
# the same answer. Needs root, and Debian, whose packages it downloads; installs nothing.
check-services: all
	tests/services/check.sh $(SERVICES)

# What becomes of each setting of Debian's sockets and services. Needs Debian, whose packages it downloads; installs nothing.
check-units:
	$(CARGO) test --package sd-activate --test debian -- all

# That the comparison with libsystemd notices mistakes: some minutes.
check-mutants:
	$(CARGO) test --test mutants -- all

# That every change of the library's behaviour which cargo-mutants thinks of is noticed: an hour. Installs it below target/tools.
mutants:
	tests/mutants/run.sh

# Looks for inputs that break what reads texts from outside, so many seconds for each target, or for those that
# FUZZ_TARGETS names. See fuzz/README.md.
FUZZ_SECONDS ?= 600
fuzz:
	fuzz/run.sh $(FUZZ_SECONDS) $(FUZZ_TARGETS)

# Writes docs/benchmarks.md; with ONLY=activation prints that section, or another. Beside the installed libsystemd it measures the
# newest, where make check-newest has fetched it. Needs root, and Debian, whose packages it downloads; installs nothing.
NEWEST = $(firstword $(wildcard $(abspath $(CARGO_TARGET_DIR))/newest/sid/root/usr/lib/*/libsystemd.so.0))
bench: all
	$(if $(NEWEST),SDLITE_LIBSYSTEMD="$${SDLITE_LIBSYSTEMD:-$(patsubst %/,%,$(dir $(NEWEST)))}") \
		$(CARGO) run --release --manifest-path bench/Cargo.toml --target-dir $(CARGO_TARGET_DIR)/bench -- $(ONLY)

# What else runs services in containers, beside sd-activate: writes docs/peers.md, in about ten minutes. Needs root, Debian and pip,
# whose packages it downloads; installs nothing.
bench-peers: all
	$(CARGO) run --release --manifest-path bench/Cargo.toml --target-dir $(CARGO_TARGET_DIR)/bench -- supervisors

# These need root, and Debian, from whose mirror they make a root directory of Debian 13 below target/.
check-debian13:
	tests/debian13/check.sh

# Debian's packages of it, built, installed and removed there. Needs cargo-cyclonedx too, as make dist does.
check-debian-package:
	tests/debian-package/check.sh

# The same for RPM packages.
check-rpm:
	tests/rpm/check.sh

check-arches:
	tests/arches/check.sh

# The source archive of a release: target/dist/libsdlite-VERSION.tar.xz, with all crates and the list of them. Of what is committed.
# Needs cargo-cyclonedx: cargo install --locked cargo-cyclonedx.
dist:
	packaging/dist.sh

# That everybody gets the same archive, and that it builds where there is no network. Needs cargo-cyclonedx too.
check-dist:
	tests/dist.sh

# What an image with nothing else holds, into target/container: sd-activate and an example, both static, and its units.
CONTAINER = $(CARGO_TARGET_DIR)/container
container: library
	RUSTFLAGS='$(RUSTFLAGS) -Ctarget-feature=+crt-static' $(CARGO) build --release $(CARGOFLAGS) --package sd-activate \
		--target $(HOST) --target-dir $(STATIC)
	rm -rf $(CONTAINER)
	$(INSTALL) -d $(CONTAINER)/etc/systemd/system
	$(INSTALL) -s -m 755 $(STATIC)/$(HOST)/release/sd-activate $(CONTAINER)
	$(CC) -static -s -O2 -Iinclude -o $(CONTAINER)/myservice c-examples/myservice.c $(BUILT)/libsdlite.a
	$(INSTALL) -m 644 packaging/container/*.socket packaging/container/*.service $(CONTAINER)/etc/systemd/system

# That it runs in a chroot, and in containers of systemd-nspawn and podman. Needs root, and Debian, whose packages it downloads.
check-containers:
	tests/containers/check.sh

# That each crate's package builds from itself alone, and cargo installs sd-activate.
check-crates:
	tests/crates.sh

# What actionlint says of the CI workflow.
check-workflow:
	tests/workflow.sh

demo: all
	PORT=$(PORT) SD_ACTIVATE=$(BUILT)/sd-activate SDCTL=$(BUILT)/sdctl SDLITE_LIBDIR=$(BUILT) c-examples/demo.sh

clean:
	$(CARGO) clean

.PHONY: all library box static check-static install-box manuals install-manuals install install-runtime install-dev install-activate install-tools uninstall bench bench-peers container check check-arches check-containers check-crates check-daemons check-debian-package check-debian13 check-deps check-dist check-elsewhere check-faults check-long check-mutants check-newest check-nothing-lost check-packages check-rpm check-same check-scale-to-zero check-sequences check-services check-systemd check-units check-workflow demo dist fuzz mutants clean
