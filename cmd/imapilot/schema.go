package main

import (
	"github.com/spf13/cobra"

	"imapilot/engine/config"
)

func (a *app) schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use: "schema", Short: "Print the JSON schema of the configuration, for editors",
		Long: `schema prints the JSON schema of the configuration. Editors that know it complete
the keys, explain them and mark mistakes. Write it beside the configuration,

  imapilot schema > imapilot.schema.json

and let the first line of the configuration be

  # yaml-language-server: $schema=imapilot.schema.json`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := a.out.Write(config.Schema())
			return err
		},
	}
}
