package facts

import (
	"strings"
	"testing"
)

// Text that every client shows is text for the rules, whatever stands around it.
func TestVisibleTextIsNotHidden(t *testing.T) {
	for _, source := range []string{
		`<div style="--x:display:none">invoice</div>`,
		`<div style="font-family:'display:none'">invoice</div>`,
		`<div style="display:none;display:block">invoice</div>`,
		`<div style="/*display:none*/">invoice</div>`,
		`<div style="display:nonesuch">invoice</div>`,
		`<div class="x" style="background:url(?display:none)">invoice</div>`,
		`<p style="display:none" style="">x</p>invoice`,
		`<svg><title>x</title></svg>invoice`,
		`<div style="display:none"><br/></div>invoice`,
		`<span style="display:none">x</span >invoice`,
		`<img style="display:none">invoice`,
		`<noscript><p>invoice</p></noscript>`,
		`<iframe></iframe>invoice`,
		`<select><option>invoice</option></select>`,
		`<textarea>invoice</textarea>`,
		`<plaintext>invoice`,
		`<!-->invoice<!-- -->`,
		`<!--->invoice`,
		`<?x ><p>invoice`,
		`<!-- --!>invoice`,
		`in<wbr>voice`, `in<b></b>voice`, "in\u2060voice", `in&shy;voice`, `in<!-- -->voice`,
	} {
		if got := htmlText(source); !strings.Contains(got, "invoice") {
			t.Errorf("%s: %q", source, got)
		}
	}
}
