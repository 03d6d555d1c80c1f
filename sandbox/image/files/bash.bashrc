# Every interactive bash of the sandbox, login shells too (by /etc/profile).
case $- in *i*) ;; *) return ;; esac

HISTSIZE=10000
HISTFILESIZE=10000
HISTCONTROL=ignorespace
HISTTIMEFORMAT='%F %T  '
shopt -s histappend checkwinsize cmdhist

alias k=kubectl
alias ls='ls --color=auto'
alias ll='ls -l'
alias grep='grep --color=auto'

# All of bash-completion at the first Tab, then each command's when it is first completed. The first command's is loaded
# here: bash asks again (124) only where what it asked before is not what it would ask next.
__sallyport_completion() {
  complete -r -D
  . /usr/share/bash-completion/bash_completion && _completion_loader "$@"
}
complete -D -o bashdefault -o default -F __sallyport_completion

# The kubeconfig's current namespace, read here without starting a program: a context's name and namespace may come
# in either order, and the current context before or after the list.
__sallyport_namespace() {
  local line key name='' namespace='' current='' contexts=''
  local -A found=()
  __sallyport_ns=default
  [[ -r ${KUBECONFIG:-} ]] || return
  while IFS= read -r line; do
    line=${line//[\"\'\{\}]/}
    case $line in
      contexts:*) contexts=1 ;;
      current-context:*) current=${line#*: } ;;
      [a-z]*:*) contexts='' ;;
    esac
    [[ -n $contexts ]] || continue
    [[ $line == -* ]] && name='' namespace=''
    [[ $line =~ (^|[ -])namespace:\ *([^ ,]+) ]] && namespace=${BASH_REMATCH[2]}
    [[ $line =~ ^(\ \ |-\ )name:\ *([^ ,]+) ]] && name=${BASH_REMATCH[2]}
    [[ -n $name && -n $namespace ]] && found[$name]=$namespace
  done <"$KUBECONFIG"
  [[ -n $current ]] && __sallyport_ns=${found[$current]:-default}
}

__sallyport_prompt() {
  local status=$? red='\[\e[1;97;41m\]' cyan='\[\e[1;36m\]' blue='\[\e[34m\]' warn='\[\e[1;31m\]' off='\[\e[0m\]'
  __sallyport_namespace
  # Never the values themselves: a prompt expands what it holds.
  local where='${SALLYPORT_CLUSTER:-sandbox}' ns='${__sallyport_ns}'
  PS1=''
  ((status)) && PS1+="${warn}${status}${off} "
  if [[ ${SALLYPORT_PRODUCTION:-} == 1 ]]; then
    PS1+="${red} PRODUCTION ${where} ${off}"
  else
    PS1+="${cyan}${where}${off}"
  fi
  PS1+=" ${blue}${ns}${off} \w\$ "
}
PROMPT_COMMAND=__sallyport_prompt
