package main

import (
	"context"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// completionLimit bounds how long a shell waits for the server: two seconds, or what SLUICE_COMPLETION_LIMIT says
// ("5s") where the server is far away.
func completionLimit() time.Duration {
	if limit, err := time.ParseDuration(os.Getenv("SLUICE_COMPLETION_LIMIT")); err == nil {
		return limit
	}
	return 2 * time.Second
}

// choice is one thing that may stand at a place of a command line, with what helps to tell it from others.
type choice struct{ id, about string }

// source lists the choices for one place, as the server shows them to the caller. What cannot be asked has none:
// completion never complains.
type source func(c *call) []choice

// complete makes every argument and flag complete: the argument by its name in the use line, the flag by its own.
func complete(cmd *cobra.Command) {
	for _, child := range cmd.Commands() {
		complete(child)
	}
	if !cmd.HasSubCommands() || len(arguments(cmd.Use)) > 0 {
		cmd.ValidArgsFunction = completeArgument
	}
	flags := flagKinds()
	register := func(f *pflag.Flag) {
		kind, ok := flags[f.Name]
		if kind == "DATA" && !isClient(cmd) { // of an instance it is a folder
			kind = "DIR"
		}
		if kind == "COLUMN" && f.Value.Type() == "int" { // of a table's cell it is a number
			return
		}
		if ok && f.Value.Type() != "bool" {
			// It fails only for flags that are not there or are given twice, which visiting rules out.
			_ = cmd.RegisterFlagCompletionFunc(f.Name, func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
				return suggest(cmd, args, kind, begun)
			})
		}
	}
	cmd.LocalFlags().VisitAll(register)
}

// arguments lists the arguments a use line names before any flag: "show JOB OUTPUT".
func arguments(use string) []string {
	var named []string
	for _, word := range strings.Fields(use)[1:] {
		if strings.HasPrefix(word, "-") || strings.HasPrefix(word, "[") {
			break
		}
		named = append(named, word)
	}
	return named
}

func completeArgument(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	named := arguments(cmd.Use)
	if len(args) >= len(named) {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return suggest(cmd, args, named[len(args)], begun)
}

// suggest lists what begins as the person has begun.
func suggest(cmd *cobra.Command, args []string, kind, begun string) ([]string, cobra.ShellCompDirective) {
	if extensions, ok := fileKinds()[kind]; ok {
		return extensions, cobra.ShellCompDirectiveFilterFileExt
	}
	if kind == "DIR" {
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
	list, ok := sources()[kind]
	if !ok {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	c := newCall(cmd, args)
	ctx, cancel := context.WithTimeout(cmd.Context(), completionLimit())
	defer cancel()
	c.ctx, c.tell = ctx, io.Discard
	var fitting []string
	before := begun[:strings.LastIndex(begun, ",")+1] // of a list, what stands there already
	for _, found := range list(c) {
		if strings.HasPrefix(before+found.id, begun) {
			fitting = append(fitting, cobra.CompletionWithDesc(before+found.id, oneLine(found.about)))
		}
	}
	return fitting, cobra.ShellCompDirectiveNoFileComp
}

// fileKinds says which files fit where: by their extensions.
func fileKinds() map[string][]string {
	return map[string][]string{
		"FILE": {"yaml", "yml"}, "DATA": {"csv", "xlsx", "parquet", "gz"}, "JSON": {"json"}, "ROOT": {"pub"},
	}
}

// flagKinds says what stands behind a flag.
func flagKinds() map[string]string {
	return map[string]string{
		"file": "FILE", "data": "DATA", "config": "FILE", "trust": "JSON", "root": "ROOT", "dir": "DIR",
		"job": "JOB", "output": "OUTPUT", "grant": "GRANT", "version": "VERSION", "org": "ORG", "role": "ROLE",
		"seat": "SEAT", "dataset": "DATASET", "reason": "REASON", "encoding": "ENCODING", "purpose": "PURPOSE", "decision": "DECISION", "act": "ACT", "who": "LOGIN", "object": "OBJECT", "column": "COLUMN",
		"state": "STATE", "level": "LEVEL", "provider": "PROVIDER",
		"profile": "NAME", "as": "PERSONA", "lang": "LANG", "format": "FORM", "form": "PRODUCT_FORM",
	}
}

// sources says where the choices for each kind of place come from.
func sources() map[string]source {
	return map[string]source{
		"JOB": asked(jobChoices), "OUTPUT": asked(outputChoices), "DATASET": asked(datasetChoices),
		"VERSION": asked(versionChoices), "GRANT": asked(grantChoices), "AGREEMENT": asked(agreementChoices),
		"REGISTRATION": asked(registrationChoices), "REQUEST": asked(requestChoices), "RELEASE": asked(releaseChoices),
		"ORG": asked(orgChoices), "LOGIN": asked(memberChoices), "FINGERPRINT": asked(keyChoices),
		"ENTRY": asked(entryChoices), "DIGEST": asked(digestChoices), "IMAGE": asked(imageChoices),
		"ACT": actChoices, "OBJECT": asked(objectChoices), "COLUMN": asked(columnChoices),
		"UPLOAD": asked(uploadChoices), "ID": asked(identityChoices), "REASON": reasonChoices,
		"ENCODING": wordChoices("utf-8", "gb18030"), "PURPOSE": wordChoices("checkpoint", "certificate", "wrap"),
		"STATE": stateChoices, "LEVEL": levelChoices, "PROVIDER": asked(providerChoices),
		"NAME": profileChoices, "PERSONA": personaChoices,
		"CAPACITY": capacityChoices, "ROLE": roleChoices, "SEAT": wordChoices("operator", "agency"),
		"DECISION": wordChoices("allow", "deny"), "FORM": wordChoices(formTable, formJSON, formYAML),
		"PRODUCT_FORM": formChoices, "LANG": wordChoices("en", "zh"), "SHELL": wordChoices("bash", "zsh", "fish"),
	}
}

// asked is a source that asks the server.
func asked(list source) source {
	return func(c *call) []choice {
		if c.connect() != nil {
			return nil
		}
		return list(c)
	}
}

// choices makes choices of what the server lists; none when it does not answer.
func choices[V any](all []V, err error, of func(V) choice) []choice {
	if err != nil {
		return nil
	}
	found := make([]choice, 0, len(all))
	for _, v := range all {
		found = append(found, of(v))
	}
	return found
}

// wordChoices are fixed words.
func wordChoices(codes ...string) source {
	return func(c *call) []choice {
		return choices(slices.Clone(codes), nil, func(code string) choice { return choice{code, c.meaning(code)} })
	}
}

// meaning is a code's word where it says more than the code.
func (c *call) meaning(code string) string {
	if text := c.Meaning(code); text != code {
		return text
	}
	return ""
}
