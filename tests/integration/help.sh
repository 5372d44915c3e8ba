#!/usr/bin/env bash
# Every command's help ends with two examples that use only what the command has; man pages and completions are made of the same text;
# what is mistyped gets a suggestion; --version says what was built and what it runs with.
source "$(dirname "$0")/lib.sh"
cd "$work"
run 0 "$probe" manual --to made
pages=(made/man1/*.1)
[ "${#pages[@]}" -gt 20 ] || fail "only ${#pages[@]} man pages"

for page in "${pages[@]}"; do
  name=$(basename "$page" .1); name=${name#ransomeye-dpi}
  command=${name#-}; command=${command/-/ }  # a command, and one of its own
  # shellcheck disable=SC2086
  run 0 "$probe" $command --help
  cp out help
  [ "$(sed -n '/^Examples:/,$p' help | grep -c '^  ransomeye-dpi ')" = 2 ] || fail "not two examples: $command --help"
  # Those of a command that has commands are of these.
  grep -q '^Subcommands:' help || for option in $(sed -n '/^Examples:/,$p' help | grep '^  ransomeye-dpi' | grep -oE ' --[a-z-]+' | sort -u); do
    # shellcheck disable=SC2086
    grep -qE -- "$option([ ,{]|$)" <(sed '/^Examples:/,$d' help) || fail "$command has no $option"
  done
  grep -q '^\.SH EXAMPLES' "$page" || fail "no examples in $page"
  if command -v man >/dev/null; then
    LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -l "$page" >page.txt 2>page.err || fail "$page cannot be read"
    [ ! -s page.err ] || { cat page.err; fail "$page has warnings"; }
  fi
done

bash -n made/completions/ransomeye-dpi.bash
complete_words() {  # WORDS…, the last one being typed
  bash -c 'source made/completions/ransomeye-dpi.bash; COMP_WORDS=(ransomeye-dpi "$@"); COMP_CWORD=$#; _ransomeye_dpi; printf "%s\n" "${COMPREPLY[@]}"' _ "$@"
}
complete_words rep | grep -qx replay || fail "no completion of a command"
complete_words keys en | grep -qx enrol || fail "no completion of a command's command"
complete_words replay --fil | grep -qx -- --filter || fail "no completion of an option"
! command -v zsh >/dev/null || zsh -n made/completions/_ransomeye-dpi

run 2 "$probe" replay x --fitler tcp;    says "did you mean --filter\?"
run 2 "$probe" reply x;                  says "did you mean replay\?"
run 2 "$probe" keys enroll x;            says "did you mean enrol\?"
run 2 "$probe" replay x --set flow.idle_tpc_s=3; says "did you mean flow.idle_tcp_s\?"

run 0 "$probe" --version
for what in ransomeye-dpi commit schema nDPI libpcap OpenSSL; do says "^$what +[^ ]"; done
echo "every help helps"
