# What a C packager types. Cargo builds; the names and places of what is installed are decided here.
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
BINDIR ?= $(PREFIX)/bin
CARGO ?= cargo
INSTALL ?= install
PORT ?= 8080

VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
SONAME := libsdlite.so.$(firstword $(subst ., ,$(VERSION)))
SOURCES := $(shell find Cargo.* build.rs src include/*.toml crates -type f)
CARGO_TARGET_DIR ?= target
BUILT = $(CARGO_TARGET_DIR)/$(CARGO_BUILD_TARGET:%=%/)release

bin = $(DESTDIR)$(BINDIR)
include = $(DESTDIR)$(INCLUDEDIR)/sdlite
lib = $(DESTDIR)$(LIBDIR)
# Places below the prefix are named by it, so that pkg-config --define-prefix moves them along.
below = $(1:$(PREFIX)/%=$(2)%)
PC = sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(call below,$(LIBDIR),$${prefix}/)|' \
	-e 's|@INCLUDEDIR@|$(call below,$(INCLUDEDIR),$${prefix}/)|' -e 's|@VERSION@|$(VERSION)|'

all: $(BUILT)/libsdlite.so

# Where nothing has changed cargo is not called: who installs is often root, and has none.
$(BUILT)/libsdlite.so: $(SOURCES)
	$(CARGO) build --release --workspace
	@touch $@

# What CMake and Meson build with the drop-in looks for $(SONAME) beside it.
install: all
	$(INSTALL) -d "$(bin)" "$(include)/systemd" "$(lib)/pkgconfig" "$(lib)/sdlite/pkgconfig"
	$(INSTALL) -m 755 $(BUILT)/sd-activate "$(bin)/sd-activate"
	$(INSTALL) -m 644 include/systemd/sd-daemon.h include/systemd/sd-journal.h "$(include)/systemd"
	$(INSTALL) -m 644 $(BUILT)/libsdlite.a "$(lib)/libsdlite.a"
	$(INSTALL) -m 755 $(BUILT)/libsdlite.so "$(lib)/libsdlite.so.$(VERSION)"
	ln -sf libsdlite.so.$(VERSION) "$(lib)/$(SONAME)"
	ln -sf $(SONAME) "$(lib)/libsdlite.so"
	ln -sf ../$(SONAME) "$(lib)/sdlite/libsystemd.so.0"
	ln -sf ../$(SONAME) "$(lib)/sdlite/$(SONAME)"
	ln -sf libsystemd.so.0 "$(lib)/sdlite/libsystemd.so"
	ln -sf ../libsdlite.a "$(lib)/sdlite/libsystemd.a"
	$(PC) sdlite.pc.in >"$(lib)/pkgconfig/sdlite.pc"
	$(PC) libsystemd.pc.in >"$(lib)/sdlite/pkgconfig/libsystemd.pc"
	chmod 644 "$(lib)/pkgconfig/sdlite.pc" "$(lib)/sdlite/pkgconfig/libsystemd.pc"

# Folders go if they are empty; those that every system has stay.
uninstall:
	rm -f "$(bin)/sd-activate" $(addprefix "$(include)"/systemd/,sd-daemon.h sd-journal.h)
	rm -f $(addprefix "$(lib)"/,libsdlite.a libsdlite.so $(SONAME) libsdlite.so.$(VERSION) pkgconfig/sdlite.pc)
	rm -f $(addprefix "$(lib)"/sdlite/,libsystemd.a libsystemd.so libsystemd.so.0 $(SONAME) pkgconfig/libsystemd.pc)
	@rmdir "$(include)/systemd" "$(include)" "$(lib)/sdlite/pkgconfig" "$(lib)/sdlite" "$(lib)/pkgconfig" 2>/dev/null || true
	@case "$(DESTDIR)$(PREFIX)" in /usr | /usr/local) ;; *) cd "$(DESTDIR)$(PREFIX)" && \
		rmdir -p $(foreach folder,$(BINDIR) $(INCLUDEDIR) $(LIBDIR),"$(call below,$(folder))"); \
		rmdir "$(DESTDIR)$(PREFIX)" ;; esac 2>/dev/null || true

check:
	tests/check.sh

# What make check compares with a million cases, with fifty million.
check-long:
	SDLITE_CASES=$${SDLITE_CASES:-50_000_000} $(CARGO) test --test compare

# The same with the newest release that Debian has, which it downloads; installs nothing.
check-newest:
	tests/newest.sh

# Needs root, and leaves nothing behind.
check-systemd: all
	tests/systemd/check.sh

# Needs root, and Debian, whose packages it downloads; installs nothing.
check-daemons:
	$(CARGO) test --test daemons -- all

# That the comparison with libsystemd notices mistakes: some minutes.
check-mutants:
	$(CARGO) test --test mutants -- all

# That every change of the library's behaviour which cargo-mutants thinks of is noticed: an hour. Installs it below target/tools.
mutants:
	tests/mutants/run.sh

# Looks for inputs that break what reads texts from outside, for an hour: so many seconds for each of six targets, or for those that
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

# Both need root, and Debian, from whose mirror they make a root directory of Debian 13 below target/.
check-debian13:
	tests/debian13/check.sh

check-arches:
	tests/arches/check.sh

demo: all
	PORT=$(PORT) SD_ACTIVATE=$(BUILT)/sd-activate SDLITE_LIBDIR=$(BUILT) c-examples/demo.sh

clean:
	$(CARGO) clean

.PHONY: all install uninstall bench check check-arches check-daemons check-debian13 check-long check-mutants check-newest check-systemd demo fuzz mutants clean
