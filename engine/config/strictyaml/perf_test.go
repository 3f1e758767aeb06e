package strictyaml
import ("testing";"strings";"time")
func TestPerf(t *testing.T){
 a:=strings.Repeat("a",1<<19)
 for _,s:=range []string{"x: "+a+"\t"+a+"\n", "x: ["+strings.Repeat("a\ta, ",1<<17)+"]\n", strings.Repeat("- a\ta\n",1<<16)} {
 st:=time.Now(); _,p:=Parse([]byte(s)); t.Log(time.Since(st),len(p)) }
}
