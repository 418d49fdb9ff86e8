"""One meaning has one digest, however it is spelled; another meaning has another."""

from itertools import combinations

import pytest

from gateway.adapters.tables import load_tables
from gateway.parsing.catalog import Catalog, Scope
from gateway.parsing.parse import parse
from gateway.parsing.result import Refusal

KUBECTL, AWS = load_tables()
SITE = Catalog(
    {
        "orders": Scope("orders", "postgres"),
        "shop": Scope("shop", "git"),
        "prod": Scope("prod", "kubernetes"),
        "acct": Scope("acct", "aws", default_region="eu-west-1", regions=("eu-west-1", "us-east-1")),
    },
    KUBECTL,
    AWS,
)

SAME: tuple[tuple[str, ...], ...] = (
    (
        "kubectl get pods -n prod",
        "kubectl -n prod get pods",
        "kubectl get po -n prod",
        "kubectl get pod -n prod",
        "kubectl get pods -nprod",
        "kubectl get pods --namespace=prod",
        "kubectl get pods --namespace prod",
        "kubectl get PODS -n prod",
        "kubectl get pods.v1. -n prod",
        "kubectl  get   pods -n 'prod'",
        '"kubectl" "get" "pods" "-n" "prod"',
        "kubectl get pods -n=prod",
        "kubectl get pods -n prod --no-headers",
        "kubectl get pods -n prod --watch=false",
        "kubectl get pods -n prod --show-labels=false",
    ),
    (
        "kubectl get deploy web -n prod",
        "kubectl get deployment web -n prod",
        "kubectl get deployments.apps web -n prod",
        "kubectl get deployments.v1.apps/web -n prod",
        "kubectl get deploy/web -n prod",
        "kubectl -n prod get deployment.apps/web",
    ),
    (
        "kubectl get pods -l app=web -n prod",
        "kubectl get pods -l app==web -n prod",
        "kubectl get pods --selector=app=web -n prod",
        "kubectl get pods -n prod --selector 'app=web'",
    ),
    (
        "kubectl get pods -l a=1,b=2 -n prod",
        "kubectl get pods -l b=2,a=1 -n prod",
        "kubectl get pods -l 'a=1, b=2' -n prod",
    ),
    (
        "kubectl get pods -l 'a in (x,y)' -n prod",
        "kubectl get pods -l 'a in (y,x)' -n prod",
        "kubectl get pods -l 'a in (x, y)' -n prod",
    ),
    (
        "kubectl get pods,svc -n prod",
        "kubectl get svc,pods -n prod",
        "kubectl get po,services -n prod",
    ),
    (
        "kubectl get pods a b -n prod",
        "kubectl get pods b a -n prod",
        "kubectl get pod/a pod/b -n prod",
    ),
    (
        "kubectl get pods -o json -n prod",
        "kubectl get pods -ojson -n prod",
        "kubectl get pods -o=json -n prod",
        "kubectl get pods --output=json -n prod",
    ),
    (
        "kubectl get pods -A",
        "kubectl get pods --all-namespaces",
        "kubectl get pods --all-namespaces=true",
        "kubectl get pods -A=true",
    ),
    (
        "kubectl get nodes",
        "kubectl get no",
        "kubectl get nodes -n prod",
        "kubectl get node",
    ),
    (
        "kubectl scale deploy web --replicas=3 -n prod",
        "kubectl scale deploy/web --replicas 3 -n prod",
        "kubectl -n prod scale --replicas=3 deployments.apps/web",
        "kubectl scale deployment web --replicas=3 --namespace prod",
    ),
    (
        "kubectl rollout restart deploy/web -n prod",
        "kubectl rollout restart deployment web -n prod",
        "kubectl -n prod rollout restart deployment/web",
    ),
    (
        "kubectl top pods -n prod",
        "kubectl top po -n prod",
        "kubectl top pod -n prod",
    ),
    (
        "aws ec2 describe-instances",
        "aws ec2 describe-instances --region eu-west-1",
        "aws --region eu-west-1 ec2 describe-instances",
        "aws ec2 describe-instances --output json",
        "aws ec2 describe-instances --no-cli-pager",
    ),
    (
        "aws ec2 describe-instances --instance-ids i-0123456789abcdef0",
        "aws ec2 describe-instances --instance-ids=i-0123456789abcdef0",
        "aws ec2 describe-instances --instance-ids '[\"i-0123456789abcdef0\"]'",
    ),
    (
        "aws ec2 describe-instances --filters Name=a,Values=b",
        'aws ec2 describe-instances --filters \'[{"Name":"a","Values":["b"]}]\'',
        'aws ec2 describe-instances --filters \'{"Name":"a","Values":["b"]}\'',
        "aws ec2 describe-instances --filters Values=b,Name=a",
    ),
    (
        "aws rds describe-db-instances --db-instance-identifier x",
        "aws rds describe-db-instances --db-instance-identifier 'x'",
    ),
    (
        "aws s3 ls s3://my-bucket",
        "aws s3 ls my-bucket",
        "aws s3 ls s3://my-bucket/",
    ),
    (
        "psql -c 'select 1'",
        "psql -c 'SELECT 1'",
        "psql -c 'SELECT  1;'",
        "psql --command='select 1'",
        "psql -At -c 'select 1'",
        "psql -d orders -c 'select 1'",
        "psql orders -c 'select 1'",
        "psql -X -q -c 'Select\t1'",
    ),
    (
        "psql -c \"select count(*) from orders where a='x'\"",
        "psql -c \"SELECT COUNT ( * ) FROM Orders WHERE A = 'x'\"",
        "psql -c \"select count(*)from orders where a='x'\"",
    ),
    (
        "psql -c 'select a!=b from t'",
        "psql -c 'select a<>b from t'",
    ),
    (
        "git log --oneline -5",
        "git log -5 --oneline",
        "git log -n 5 --oneline",
        "git log -n5 --oneline",
        "git log --max-count=5 --oneline",
        "git --no-pager log --oneline -5",
        "git log --oneline -5 HEAD",
    ),
    (
        "git blame x.py",
        "git blame HEAD x.py",
        "git blame -- x.py",
        "git blame HEAD -- x.py",
    ),
    (
        "git log -- a.py b.py",
        "git log HEAD -- a.py b.py",
    ),
    (
        "git grep -n foo",
        "git grep -n -e foo",
        "git grep -n foo HEAD",
    ),
    (
        "git show",
        "git show HEAD",
    ),
    (
        "git diff --stat HEAD~1 HEAD",
        "git diff HEAD~1 HEAD --stat",
    ),
)
OTHER: tuple[tuple[str, ...], ...] = (
    (
        "kubectl get pods -n prod",
        "kubectl get pods -n staging",
        "kubectl get pods -A",
        "kubectl get pods",
        "kubectl get svc -n prod",
        "kubectl get pods -n prod -o yaml",
        "kubectl get pods -n prod -l a=b",
        "kubectl describe pods -n prod",
        "kubectl get pods x -n prod",
        "kubectl get pods -n prod --field-selector=metadata.name=x",
        "kubectl get events -n prod",
        "kubectl events -n prod",
    ),
    (
        "kubectl get pods -l a=b -n prod",
        "kubectl get pods -l a!=b -n prod",
        "kubectl get pods -l a -n prod",
        "kubectl get pods -l '!a' -n prod",
        "kubectl get pods -l A=b -n prod",
        "kubectl get pods -l a=B -n prod",
        "kubectl get pods -l 'a in (b,c)' -n prod",
        "kubectl get pods -l 'a notin (b)' -n prod",
    ),
    (
        "kubectl scale deploy web --replicas=3 -n prod",
        "kubectl scale deploy web --replicas=0 -n prod",
        "kubectl scale sts web --replicas=3 -n prod",
        "kubectl scale deploy web --replicas=3 -n dev",
        "kubectl scale deploy web --replicas=3 --current-replicas=2 -n prod",
        "kubectl scale deploy web --replicas=3 -n prod --dry-run=server",
    ),
    (
        "kubectl delete pod x -n prod",
        "kubectl delete pod x -n prod --grace-period=0 --force",
        "kubectl delete pod x -n prod --cascade=orphan",
        "kubectl delete pod x y -n prod",
        "kubectl delete deploy x -n prod",
        "kubectl delete pod x -n prod --now",
    ),
    (
        "kubectl get pods -n prod -o jsonpath='{.a}'",
        "kubectl get pods -n prod -o jsonpath='{.b}'",
        "kubectl get pods -n prod -o custom-columns=A:.a",
    ),
    (
        "aws ec2 describe-instances",
        "aws ec2 describe-instances --region us-east-1",
        "aws ec2 describe-instances --max-items 5",
        "aws ec2 describe-instances --query 'Reservations[]'",
        "aws ec2 describe-instances --dry-run",
        "aws ec2 describe-instances --no-dry-run",
        "aws ec2 describe-volumes",
    ),
    (
        "aws rds modify-db-instance --db-instance-identifier a --backup-retention-period 1",
        "aws rds modify-db-instance --db-instance-identifier a --backup-retention-period 1 --apply-immediately",
        "aws rds modify-db-instance --db-instance-identifier A --backup-retention-period 1",
        "aws rds modify-db-instance --db-instance-identifier a --backup-retention-period 10",
    ),
    (
        "psql -c 'select 1'",
        "psql -c 'select 1.0'",
        "psql -c \"select '1'\"",
        "psql -c 'select -1'",
    ),
    (
        "psql -c 'select id from t'",
        "psql -c 'select \"ID\" from t'",
        "psql -c 'select id from \"T\"'",
        "psql -c \"select 'id' from t\"",
        "psql -c 'select id from public.t'",
    ),
    (
        "psql -c \"select 'a'\"",
        "psql -c \"select 'A'\"",
        "psql -c \"select ' a'\"",
        "psql -c \"select 'a '\"",
    ),
    (
        "git log -S foo",
        "git log -S Foo",
        "git log -G foo",
        "git log --grep=foo",
    ),
    (
        "git log a..b",
        "git log a...b",
        "git log b..a",
        "git log a b",
        "git log ^a b",
    ),
    (
        "git blame -L1,2 x",
        "git blame -L 1,+2 x",
        "git blame -L1,2 y",
    ),
)


def digest(text: str) -> str:
    parsed = parse(text.encode(), SITE)
    assert not isinstance(parsed, Refusal), (text, parsed)
    (step,) = parsed.steps
    return step.step.digest


@pytest.mark.parametrize("spellings", SAME, ids=lambda group: group[0][:60])
def test_every_spelling_of_one_meaning_has_the_same_digest(spellings: tuple[str, ...]) -> None:
    first, *others = spellings
    assert [text for text in others if digest(text) != digest(first)] == []


@pytest.mark.parametrize("meanings", OTHER, ids=lambda group: group[0][:60])
def test_no_two_meanings_have_the_same_digest(meanings: tuple[str, ...]) -> None:
    assert [pair for pair in combinations(meanings, 2) if digest(pair[0]) == digest(pair[1])] == []
